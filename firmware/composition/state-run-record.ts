/** The shape of a run record that comes from outside (vm.md 11, 12). Hashes are not checked here. */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { RUN_LIMITS } from "../core/limits.ts";
import type { FullRunRecord } from "../runs/index.ts";
import { LIMIT_NAMES } from "../vm/index.ts";

const DIGEST = /^[0-9a-f]{64}$/;
const RUN_ID = /^[A-Za-z0-9._-]{1,64}$/;

const MEMBERS = new Set(
  (
    "v runId program subject tier policyHash trigger limits startedAt wallMs payload journal outcome release " +
    "vmVersion inputHash outputHash metrics evidence safeStates state sim"
  ).split(" "),
);
const METRICS = (
  "cpuSteps memBytes memKb ioCalls sleptMs wallMs tasks claims outputBytes ioReadBytes ioWriteBytes netOutBytes " +
  "refusals phiChargedMilli"
).split(" ");
const STATES = new Set(["responded", "halted", "refused", "failed", "cut"]);
const TIERS = new Set(["low", "medium", "high", "system"]);

const isText = (value: Json | undefined, max = 256): value is string =>
  typeof value === "string" && value.length <= max;
const isDigest = (value: Json | undefined): boolean => typeof value === "string" && DIGEST.test(value);
const isNumber = (value: Json | undefined): boolean => typeof value === "number" && Number.isFinite(value);
const isCount = (value: Json | undefined): boolean => Number.isSafeInteger(value) && Number(value) >= 0;

const has = (
  value: Json | undefined,
  checks: Readonly<Record<string, (item: Json | undefined) => boolean>>,
): boolean => isJsonObject(value ?? null) && hasMembers(value as JsonObject, checks);

function hasMembers(
  value: JsonObject,
  checks: Readonly<Record<string, (item: Json | undefined) => boolean>>,
): boolean {
  return Object.entries(checks).every(([key, check]) =>
    check(Object.hasOwn(value, key) ? value[key] : undefined),
  );
}

const every = (value: Json | undefined, max: number, check: (item: Json) => boolean): boolean =>
  Array.isArray(value) && value.length <= max && value.every(check);

const ENTRIES: Readonly<Record<string, Readonly<Record<string, (item: Json | undefined) => boolean>>>> = {
  call: {
    turn: isCount,
    task: isCount,
    capability: (v) => isText(v, 128),
    args: (v) => v !== undefined,
    ok: (v) => typeof v === "boolean",
    evidence: (v) => every(v, RUN_LIMITS.evidence, isDigest),
  },
  wake: { turn: isCount, task: isCount },
  elapsed: { task: isCount, value: isNumber },
  cut: { reason: (v) => isText(v, 64), steps: isCount },
};

const callErrorChecks = {
  code: (v: Json | undefined) => isText(v),
  reason: (v: Json | undefined) => isText(v),
  status: isNumber,
  details: (v: Json | undefined) => isJsonObject(v ?? null),
};

function isJournalEntry(value: Json): boolean {
  if (!isJsonObject(value) || typeof value.t !== "string" || !Object.hasOwn(ENTRIES, value.t)) return false;
  if (!hasMembers(value, ENTRIES[value.t] ?? {})) return false;
  return value.t !== "call" || value.ok === true || has(value.error, callErrorChecks);
}

const isOutcome = (value: Json | undefined): boolean =>
  has(value, {
    status: isCount,
    body: (v) => v !== undefined,
    claims: (v) => every(v, 4096, isJsonObject),
    effects: (v) => every(v, RUN_LIMITS.journalEntries, isJsonObject),
    error: (v) => v === null || has(v, { code: (c) => isText(c), reason: (r) => isText(r) }),
  });

/** True only for a record with the members of the specification, all of the right type, its journal inline. */
export function isRunRecord(value: Json | undefined): value is JsonObject & FullRunRecord {
  if (value === undefined || !isJsonObject(value)) return false;
  if (Object.keys(value).some((key) => !MEMBERS.has(key))) return false;
  return hasMembers(value, {
    v: (v) => v === 1,
    runId: (v) => typeof v === "string" && RUN_ID.test(v),
    program: (v) => has(v, { name: (n) => isText(n, 64), version: (n) => isText(n), programHash: isDigest }),
    subject: (v) => isText(v),
    tier: (v) => typeof v === "string" && TIERS.has(v),
    policyHash: isDigest,
    trigger: (v) => v !== undefined,
    limits: (v) => has(v, Object.fromEntries(LIMIT_NAMES.map((name) => [name, isCount]))),
    startedAt: isCount,
    wallMs: isNumber,
    payload: (v) => v !== undefined,
    journal: (v) => every(v, RUN_LIMITS.journalEntries, isJournalEntry),
    outcome: isOutcome,
    release: (v) =>
      has(v, {
        ok: (o) => typeof o === "boolean",
        status: isCount,
        reason: (r) => r === null || isText(r),
      }),
    vmVersion: (v) => isText(v, 64),
    inputHash: isDigest,
    outputHash: isDigest,
    metrics: (v) => has(v, Object.fromEntries(METRICS.map((name) => [name, isNumber]))),
    evidence: (v) => every(v, RUN_LIMITS.evidence, isDigest),
    safeStates: (v) => every(v, 256, (item) => isText(item)),
    state: (v) => typeof v === "string" && STATES.has(v),
    sim: (v) => v === undefined || v === true,
  });
}
