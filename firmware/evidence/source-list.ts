/** The signed list of sources, `sources.json` (evidence.md 4; trust.md 4): rules that overlay the factory's by prefix. */
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { checkSourceRule, UNKNOWN_TRUST } from "./source-registry.ts";
import type { SourceRule } from "./types.ts";

export const SOURCES_SCHEMA = "imu.sources/1";

export interface SourceList {
  /** Grows with every list of a fleet. */
  readonly version: number;
  /** Wall ms. */
  readonly issuedAt: number;
  /** Wall ms; later the list goes on for what runs, and authorises nothing new. */
  readonly expiresAt: number;
  /** Trust of a source that no rule matches, 0..0.5. */
  readonly unknownTrust: number;
  readonly rules: readonly SourceRule[];
}

type Read<T> = { readonly ok: true; readonly value: T } | Refusal;

const malformed = (at: string): Refusal => refusal("malformed", 400, { at });
const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isShare = (value: unknown, most: number): value is number =>
  typeof value === "number" && value >= 0 && value <= most;

const isTexts = (value: Json, most: number, form: RegExp): boolean =>
  Array.isArray(value) &&
  value.length <= most &&
  value.every((item) => typeof item === "string" && form.test(item));

const KIND = /^[a-z][a-z0-9_]{0,63}$/;
const KEY_ID = /^[0-9A-Za-z:._-]{1,128}$/;
const RULE_MEMBERS: Readonly<Record<string, (value: Json) => boolean>> = {
  prefix: (value) => typeof value === "string" && value.length <= EVIDENCE_LIMITS.sourceCharacters,
  id: (value) => typeof value === "string" && value.length <= EVIDENCE_LIMITS.sourceCharacters,
  trust: (value) => isShare(value, 1),
  points: (value) => isShare(value, 5),
  kinds: (value) => isTexts(value, EVIDENCE_LIMITS.sourceKinds, KIND),
  maxTtlMs: isTime,
  keys: (value) => isTexts(value, EVIDENCE_LIMITS.sourceKeys, KEY_ID),
  threshold: (value) => isTime(value) && value >= 1,
};
const RULE_REQUIRED = ["prefix", "id", "trust"];
const LIST_MEMBERS = ["expiresAt", "issuedAt", "schema", "sources", "unknownTrust", "version"];

function ruleOf(value: Json, at: string): Read<SourceRule> {
  if (!isJsonObject(value)) return malformed(at);
  const wrong = Object.entries(value).find(
    ([name, item]) => !(Object.hasOwn(RULE_MEMBERS, name) && RULE_MEMBERS[name]?.(item)),
  );
  if (wrong) return malformed(`${at}/${wrong[0]}`);
  const missing = RULE_REQUIRED.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return malformed(`${at}/${missing}`);
  // Every member was checked above.
  const rule = value as object as SourceRule;
  const count = rule.keys?.length ?? 0;
  if (rule.threshold !== undefined && rule.threshold > count) return malformed(`${at}/threshold`);
  try {
    checkSourceRule(rule);
  } catch (error) {
    if (error instanceof CodedError) return refusal(error.code, 422, { at, ...error.details });
    throw error;
  }
  // What is simulated is worth something only where the composition itself simulates.
  if (rule.prefix.startsWith("sim://") && rule.trust > 0)
    return refusal("bad_source", 422, { at, trust: rule.trust });
  return { ok: true, value: rule };
}

function rulesOf(value: Json | undefined): Read<readonly SourceRule[]> {
  if (!Array.isArray(value) || value.length > EVIDENCE_LIMITS.sourceRules) return malformed("/sources");
  const rules = new Map<string, SourceRule>();
  for (const [i, item] of value.entries()) {
    const rule = ruleOf(item, `/sources/${i}`);
    if (!rule.ok) return rule;
    const { prefix } = rule.value;
    if (rules.has(prefix)) return refusal("duplicate_prefix", 422, { at: `/sources/${i}`, prefix });
    rules.set(prefix, rule.value);
  }
  return { ok: true, value: [...rules.values()] };
}

/**
 * Strict: every member of the list and none other. Refusals: `malformed` {at} (400); `bad_source`, `duplicate_prefix`
 * {at, prefix} (422). Whether the list may be used now is judged by `sourceListProblem`.
 */
export function readSourceList(value: Json): { readonly ok: true; readonly list: SourceList } | Refusal {
  if (!isJsonObject(value)) return malformed("/");
  const members = Object.keys(value as JsonObject);
  const odd = members.find((name) => !LIST_MEMBERS.includes(name));
  if (odd !== undefined || members.length !== LIST_MEMBERS.length) return malformed(`/${odd ?? ""}`);
  const { schema, version, issuedAt, expiresAt, unknownTrust, sources } = value;
  if (schema !== SOURCES_SCHEMA) return malformed("/schema");
  if (!isTime(version) || version < 1) return malformed("/version");
  if (!isTime(issuedAt)) return malformed("/issuedAt");
  if (!isTime(expiresAt) || expiresAt < issuedAt) return malformed("/expiresAt");
  if (!isShare(unknownTrust, UNKNOWN_TRUST)) return malformed("/unknownTrust");
  const rules = rulesOf(sources);
  if (!rules.ok) return rules;
  return { ok: true, list: { version, issuedAt, expiresAt, unknownTrust, rules: rules.value } };
}

/**
 * Why a list may not take the place of another: `list_rollback` (an older version, or none where there was one) or
 * `authority_expired`; null if it may.
 */
export function sourceListProblem(
  list: SourceList | null,
  active: SourceList | null,
  nowMs: number,
): { readonly code: "list_rollback" | "authority_expired"; readonly details: JsonObject } | null {
  const had = active?.version ?? 0;
  const got = list?.version ?? 0;
  if (got < had) return { code: "list_rollback", details: { had, got } };
  if (list === null || nowMs <= list.expiresAt) return null;
  return { code: "authority_expired", details: { list: "sources", expiresAt: list.expiresAt, now: nowMs } };
}

/** The list as a document. */
export const sourceListJson = ({ rules, ...list }: SourceList): JsonObject => ({
  schema: SOURCES_SCHEMA,
  ...list,
  sources: rules.map((rule) => ({ ...rule }) as object as JsonObject),
});
