/** Phase A of the verifier: the document around the code (vm.md 2, 6). */
import { canonicalize } from "../../core/canonical-json.ts";
import { CodedError } from "../../core/errors.ts";
import { sha256Hex } from "../../core/hash.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { PROGRAM_LIMITS } from "../../core/limits.ts";
import { parseJson } from "../../core/parse-json.ts";
import type { CapabilityView } from "../capability-view.ts";
import { invalidLimits } from "../limits.ts";
import { ISA, type ProgramDocument } from "../types.ts";
import { utf8Length } from "../values/values.ts";
import type { Issue } from "./issues.ts";

export const MAX_DOCUMENT_BYTES = PROGRAM_LIMITS.documentBytes;
export const MAX_DOCUMENT_DEPTH = PROGRAM_LIMITS.documentDepth;

/** Reads a program file. @throws JsonError `malformed` with the problem and line. */
export const parseProgram = (bytes: Uint8Array): Json =>
  parseJson(bytes, { maxBytes: MAX_DOCUMENT_BYTES, maxDepth: MAX_DOCUMENT_DEPTH });

/** H(JCS(document)), the identity of a program. @throws CodedError `not_canonical`. */
export const programHash = (document: unknown): string => sha256Hex(canonicalize(document));

type Check = (value: Json, document: ProgramDocument) => boolean;

const NAME = /^[a-z][a-z0-9._-]{0,63}$/;
const SEMVER =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(\.(0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(\+[0-9a-zA-Z-]+(\.[0-9a-zA-Z-]+)*)?$/;

const isText = (value: unknown, max: number): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= max;
const texts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length <= 256 && value.every((item) => isText(item, 256));
const whole = (value: unknown, least: number): boolean =>
  Number.isSafeInteger(value) && Number(value) >= least;

/** Members of each trigger kind besides `on`; a name ending in `?` is optional. */
const TRIGGERS: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  interval: { everyMs: (v) => whole(v, 1) },
  at: { atMs: (v) => whole(v, 0) },
  cron: { expr: (v) => isText(v, 128), "tz?": (v) => isText(v, 64) },
  gpio: {
    line: (v) => isText(v, 128),
    edge: (v) => v === "rising" || v === "falling" || v === "both",
    "debounceMs?": (v) => whole(v, 0),
  },
  command: { name: (v) => isText(v, 128) },
  mqtt: { topic: (v) => isText(v, 512) },
  signal: { name: (v) => isText(v, 128), "above?": (v) => typeof v === "number" },
  queue: { queue: (v) => isText(v, 128) },
  boot: {},
};

function isTrigger(value: unknown): boolean {
  if (!isJsonObject(value) || typeof value.on !== "string" || !Object.hasOwn(TRIGGERS, value.on))
    return false;
  const members = TRIGGERS[value.on] ?? {};
  const known = new Set(["on", ...Object.keys(members).map((name) => name.replace("?", ""))]);
  if (Object.keys(value).some((key) => !known.has(key))) return false;
  return Object.entries(members).every(([name, check]) => {
    const key = name.replace("?", "");
    return Object.hasOwn(value, key) ? check(value[key]) : name.endsWith("?");
  });
}

function isClaimEntry(value: unknown): boolean {
  return (
    isJsonObject(value) &&
    Object.entries(value).every(([key, item]) => {
      if (key === "schema") return isJsonObject(item);
      if (key === "sources") return texts(item);
      return key === "minTrust" && typeof item === "number" && item >= 0 && item <= 1;
    })
  );
}

const FIELDS: Readonly<Record<string, Check>> = {
  format: () => true,
  isa: () => true,
  name: (v) => typeof v === "string" && NAME.test(v),
  version: (v) => typeof v === "string" && v.length <= 256 && SEMVER.test(v),
  description: (v) => typeof v === "string" && v.length <= 512,
  capabilities: texts,
  outputs: texts,
  triggers: (v) => Array.isArray(v) && v.length <= 64 && v.every(isTrigger),
  payload: isJsonObject,
  response: isJsonObject,
  constants: isJsonObject,
  claims: (v) => isJsonObject(v) && Object.values(v).every(isClaimEntry),
  limits: isJsonObject,
  intents: texts,
  overlap: (v) => v === "skip" || v === "queue" || v === "restart",
  code: (v) => Array.isArray(v),
};
const REQUIRED = ["format", "name", "version", "isa", "code"];

const issue = (code: string, index: string): Issue => ({ code, unit: "document", index });

/** Walks without recursion, and stops at the first level too many. */
export function deeperThan(value: unknown, maxDepth: number): boolean {
  const open: { readonly value: unknown; readonly depth: number }[] = [{ value, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.value === null || typeof next.value !== "object") continue;
    if (next.depth > maxDepth) return true;
    for (const item of Object.values(next.value)) open.push({ value: item, depth: next.depth + 1 });
  }
  return false;
}

/** The canonical text, or the one issue that makes the document unreadable. */
export function canonicalDocument(document: Json): { readonly text: string } | Issue {
  if (!isJsonObject(document)) return issue("bad_field", "");
  if (deeperThan(document, MAX_DOCUMENT_DEPTH)) return issue("document_too_large", "depth");
  try {
    const text = canonicalize(document);
    return utf8Length(text) > MAX_DOCUMENT_BYTES ? issue("document_too_large", "bytes") : { text };
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return issue("bad_field", "");
  }
}

/** All problems of phase A. `format_unsupported` and `isa_unsupported` stand alone. */
export function checkDocument(document: ProgramDocument, view: CapabilityView): readonly Issue[] {
  const fields = document as unknown;
  if (!isJsonObject(fields)) return [issue("bad_field", "")];
  if (Object.hasOwn(fields, "format") && fields.format !== "imu.program/1") {
    return [issue("format_unsupported", "format")];
  }
  if (Object.hasOwn(fields, "isa") && fields.isa !== ISA) return [issue("isa_unsupported", "isa")];
  const issues: Issue[] = [];
  for (const name of REQUIRED) if (!Object.hasOwn(fields, name)) issues.push(issue("missing_field", name));
  for (const [name, value] of Object.entries(fields)) {
    const check = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
    if (!check) issues.push(issue("unknown_field", name));
    else if (!check(value, document)) issues.push(issue("bad_field", name));
  }
  if (Array.isArray(fields.code) && fields.code.length === 0) issues.push(issue("empty_program", "code"));
  if (isJsonObject(fields.limits)) {
    for (const name of invalidLimits(fields.limits)) issues.push(issue("limits_invalid", name));
  }
  if (texts(fields.outputs) && new Set(fields.outputs).size !== fields.outputs.length) {
    issues.push(issue("duplicate_output", "outputs"));
  }
  if (texts(fields.capabilities)) {
    for (const id of fields.capabilities) {
      if (view.resolve(id) === null) issues.push(issue("unknown_capability", id));
    }
  }
  return issues;
}
