/**
 * Structure of claims that come from programs (evidence.md 9, check 3). Members that are null count as
 * absent.
 */
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject, type JsonObject, member } from "../core/json.ts";
import { CLAIM_LIMITS } from "../core/limits.ts";
import { type Check, failed } from "./check.ts";
import type { Claim } from "./types.ts";

export const MAX_CLAIM_EVIDENCE = CLAIM_LIMITS.evidence;

/** The id of a claim that names none: first 12 hex digits of H(text). */
export const claimId = (text: string): string => sha256Hex(text).slice(0, 12);

const present = (claim: JsonObject, key: string): unknown => member(claim, key) ?? undefined;
const filled = (x: unknown): x is string => typeof x === "string" && x !== "";

function shapeFault(claim: unknown, seen: ReadonlySet<string>): string | null {
  if (!isJsonObject(claim)) return "not_object";
  const id = present(claim, "id");
  if (!filled(id) || id.length > CLAIM_LIMITS.idCharacters) return "missing_id";
  if (!filled(present(claim, "type"))) return "missing_type";
  if (!filled(present(claim, "text"))) return "missing_text";
  if (!isJsonObject(present(claim, "schema"))) return "missing_schema";
  const evidence = present(claim, "evidence");
  const named = Array.isArray(evidence) && evidence.length > 0 && evidence.length <= MAX_CLAIM_EVIDENCE;
  if (!named || !evidence.every(filled)) return "missing_evidence";
  const group = present(claim, "group");
  if (group !== undefined && !filled(group)) return "not_object";
  const from = present(claim, "from");
  const needed = from !== undefined || group !== undefined || present(claim, "type") === "reading";
  if (needed && !isOrigin(from)) return "missing_from";
  return seen.has(id) ? "duplicate_id" : null;
}

const isOrigin = (from: unknown): boolean =>
  isJsonObject(from) && filled(member(from, "evidence")) && typeof member(from, "pointer") === "string";

/** Drops members that are null, except the value, which is checked against the schema. */
function withoutNulls(claim: JsonObject): JsonObject {
  const kept = Object.entries(claim).filter(([, value]) => value !== null && value !== undefined);
  return { ...Object.fromEntries(kept), value: member(claim, "value") ?? null };
}

/** Claims of the right shape, or `claim_invalid` {index, why} (422). */
export function readClaims(claims: readonly unknown[]): Check<{ readonly claims: readonly Claim[] }> {
  const seen = new Set<string>();
  const read: Claim[] = [];
  for (const [index, claim] of claims.entries()) {
    const why = shapeFault(claim, seen);
    if (why !== null || !isJsonObject(claim)) {
      return failed("claim_invalid", { index, why: why ?? "not_object" });
    }
    seen.add(String(member(claim, "id")));
    // The members were checked above; schema and predicate are judged by their own checks, whatever they
    // hold.
    read.push(withoutNulls(claim) as object as Claim);
  }
  return { ok: true, claims: read };
}
