/** The steps before activation: verify, plan, gates, shadow (rollout.md 2, 3). Nothing here touches what is in force. */

import { jcs } from "../firmware/core/canonical-json.ts";
import { type Refusal, refusal } from "../firmware/core/errors.ts";
import { hashJson, sha256Hex } from "../firmware/core/hash.ts";
import { isJsonObject, type JsonObject, member } from "../firmware/core/json.ts";
import type { CompiledPolicy } from "../firmware/policy/index.ts";
import { loadStored, type OtaContext, type OtaOptions, type StepOutcome } from "./context.ts";
import { negativeSuiteGate } from "./gates/negative-suite.ts";
import { planGate, planIssues } from "./gates/plan.ts";
import { type Gate, type GateReport, type GateViolation, runGates } from "./gates/runner.ts";
import { kpiGate, phiGate, shadowGate } from "./gates/shadow.ts";
import { shadowRuns } from "./gates/shadow-runs.ts";
import type { OtaEvent, OtaStep } from "./machine.ts";
import type { LoadedRelease } from "./ports.ts";
import { type ReleaseBundle, readBundle } from "./release/bundle.ts";
import { type ReleaseStatement, verifyStatement } from "./release/statement.ts";
import type { OtaRun } from "./run.ts";

const MAX_REASONS = 8;

/** `gate: code` of the first violations, as the reason of a refusal. */
export const reasonOf = (violations: readonly GateViolation[]): string => {
  const codes = [...new Set(violations.map(({ code }) => code))];
  return codes.slice(0, MAX_REASONS).join(",");
};

/** Verifies an offer against keys, quorum and fleet of this device. */
export function verifyOffer(options: OtaOptions, statement: Uint8Array, quorumK: number) {
  const { fleet, device, groups } = options.facts;
  return verifyStatement(statement, {
    keys: options.keys(),
    k: quorumK,
    now: options.clock.wallMs(),
    fleet,
    device,
    groups,
  });
}

/** Whether the bytes are the ones that the statement speaks of. */
export function checkBundle(
  statement: ReleaseStatement,
  bytes: Uint8Array,
): { readonly ok: true; readonly bundle: ReleaseBundle } | Refusal {
  const { sha256, length } = statement.bundle;
  if (bytes.length !== length) {
    return refusal("target_length_mismatch", 412, { expected: length, got: bytes.length });
  }
  const got = sha256Hex(bytes);
  if (got !== sha256) return refusal("target_hash_mismatch", 412, { expected: sha256, got });
  const read = readBundle(bytes);
  if (!read.ok) return read;
  const { bundle } = read;
  for (const name of ["releaseId", "version", "issuedAt", "expiresAt"] as const) {
    if (bundle[name] !== statement[name])
      return refusal("malformed", 400, { at: `/${name}`, why: "statement" });
  }
  const policyHash = hashJson(bundle.policy);
  if (policyHash !== statement.policyHash) {
    return refusal("target_hash_mismatch", 412, {
      of: "policy",
      expected: statement.policyHash,
      got: policyHash,
    });
  }
  return { ok: true, bundle };
}

const isWanted = (run: OtaRun, gate: Gate): Gate => ({
  ...gate,
  enabled: !run.settings.disabledGates.includes(gate.name),
});

/** Runs one group of gates and turns it into an arrow; the decision is recorded with it (ledger `decision`). */
async function judge(
  context: OtaContext,
  run: OtaRun,
  step: Extract<OtaStep, "verify" | "plan" | "gates" | "shadow">,
  gates: readonly Gate[],
  signal: AbortSignal,
): Promise<StepOutcome> {
  const input: JsonObject = { candidate: run.candidate, active: run.from, step };
  const report = await runGates([{ gates: gates.map((gate) => isWanted(run, gate)) }], {
    at: context.options.clock.wallMs(),
    input,
    signal,
  });
  return outcomeOf(run, step, report);
}

const MAX_DATA_VIOLATIONS = 16;

/** A ledger entry holds 8 KiB: what does not fit is named without its details. */
const MAX_DATA_TEXT = 4096;

function listed(violations: readonly GateViolation[]): JsonObject[] {
  let left = MAX_DATA_TEXT;
  return violations.slice(0, MAX_DATA_VIOLATIONS).map(({ details, ...rest }) => {
    const size = jcs(details).length;
    if (size > left) return { ...rest, details: { truncated: true } };
    left -= size;
    return { ...rest, details };
  });
}

/** What the ledger keeps of a report; the whole of it stays with the run. */
export const reportData = ({ violations, results }: GateReport): JsonObject => ({
  gates: results.map(({ gate, ok, inputHash, facts }) => ({
    gate,
    ok,
    inputHash,
    ...(facts ? { facts } : {}),
  })),
  ...(violations.length > 0 ? { violations: listed(violations), total: violations.length } : {}),
});

export function outcomeOf(
  run: OtaRun,
  step: "verify" | "plan" | "gates" | "shadow",
  report: GateReport,
): StepOutcome {
  const patch = { gateResults: [...run.gateResults, ...report.results] };
  const data = reportData(report);
  const event: OtaEvent = report.ok ? `${step}_ok` : `${step}_fail`;
  return report.ok ? { event, patch, data } : { event, patch, data, reason: reasonOf(report.violations) };
}

async function stored(context: OtaContext, run: OtaRun): Promise<ReleaseBundle | Refusal> {
  const bytes = await context.slots.bytes(run.candidate);
  if (!bytes || sha256Hex(bytes) !== run.candidate) return refusal("staged_bytes_corrupt", 412);
  const read = readBundle(bytes);
  return read.ok ? read.bundle : read;
}

const isRefusal = (value: ReleaseBundle | Refusal): value is Refusal => "ok" in value;

/** Gate `trust`: once more over what is stored, with the keys as they are now. */
export async function verifyStep(
  context: OtaContext,
  run: OtaRun,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const check = async (): Promise<Refusal | null> => {
    const bytes = await context.slots.bytes(run.candidate);
    const offer = await context.slots.statement(run.candidate);
    if (!bytes || !offer || sha256Hex(bytes) !== run.candidate) return refusal("staged_bytes_corrupt", 412);
    const verified = verifyOffer(context.options, offer, run.settings.quorumK);
    if (!verified.ok) return verified;
    const checked = checkBundle(verified.statement, bytes);
    return checked.ok ? null : checked;
  };
  const gate: Gate = {
    name: "trust",
    class: "hard",
    check: async () => {
      const refused = await check();
      return { violations: refused ? [{ code: refused.code, details: refused.details }] : [] };
    },
  };
  return judge(context, run, "verify", [gate], signal);
}

async function inForce(context: OtaContext, run: OtaRun): Promise<LoadedRelease | Refusal> {
  const loaded = await loadStored(context.options, context.slots, run.from);
  return loaded.ok ? loaded.release : loaded;
}

const failed = (step: "plan" | "gates" | "shadow", { code }: Refusal): StepOutcome => ({
  event: `${step}_fail`,
  reason: code,
});

const planOf = (context: OtaContext, bundle: ReleaseBundle, active: LoadedRelease) => ({
  bundle,
  active,
  facts: context.options.facts.compile,
  viewOf: context.options.viewOf,
  now: context.options.clock.wallMs(),
});

interface Sides {
  readonly bundle: ReleaseBundle;
  readonly active: LoadedRelease;
}

async function sidesOf(context: OtaContext, run: OtaRun): Promise<Sides | Refusal> {
  const bundle = await stored(context, run);
  if (isRefusal(bundle)) return bundle;
  const active = await inForce(context, run);
  return "ok" in active ? active : { bundle, active };
}

export async function planStep(context: OtaContext, run: OtaRun, signal: AbortSignal): Promise<StepOutcome> {
  const sides = await sidesOf(context, run);
  if ("ok" in sides) return failed("plan", sides);
  return judge(context, run, "plan", [planGate(planOf(context, sides.bundle, sides.active))], signal);
}

export async function gatesStep(context: OtaContext, run: OtaRun, signal: AbortSignal): Promise<StepOutcome> {
  const sides = await sidesOf(context, run);
  if ("ok" in sides) return failed("gates", sides);
  const { policy } = planIssues(planOf(context, sides.bundle, sides.active));
  if (policy === null) return { event: "gates_fail", reason: "policy_invalid" };
  return judge(context, run, "gates", [negativeSuiteGate(policy)], signal);
}

function intentsOf(policy: CompiledPolicy): readonly string[] {
  const { phi } = policy.compiled;
  const intents = phi !== undefined && isJsonObject(phi) ? member(phi, "intents") : undefined;
  return Array.isArray(intents) ? intents.filter((item) => typeof item === "string") : [];
}

export async function shadowStep(
  context: OtaContext,
  run: OtaRun,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const sides = await sidesOf(context, run);
  if ("ok" in sides) return failed("shadow", sides);
  const { active, bundle } = sides;
  const { policy, programs } = planIssues(planOf(context, bundle, active));
  if (policy === null) return { event: "shadow_fail", reason: "policy_invalid" };
  const { history, viewOf, clock } = context.options;
  const { settings, repairs, isHistoryWaived } = run;
  const pairs = await shadowRuns(
    {
      history,
      active,
      candidate: { policy, programs },
      viewOf,
      maxRuns: settings.shadow.maxRuns,
      clock,
      now: clock.wallMs(),
    },
    signal,
  );
  const given = { pairs, settings, repairs, isHistoryWaived, intents: intentsOf(active.policy) };
  return judge(context, run, "shadow", [shadowGate(given), kpiGate(given), phiGate(given)], signal);
}
