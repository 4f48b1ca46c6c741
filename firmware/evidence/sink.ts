/** Messages that say something about the world carry their grounds (evidence.md 14). */
import { hashJson } from "../core/hash.ts";
import { isJsonObject, type Json, member } from "../core/json.ts";
import { type Check, failed } from "./check.ts";
import type { ProvenanceLevel } from "./types.ts";

/** Ops without a claim about the world. */
export const CONTROL_OPS: ReadonlySet<string> = new Set(
  "ack error hello warn subscribe unsubscribe status".split(" "),
);

/** What is known of one evidence that a claim names. */
export interface GroundedWitness {
  readonly origin: string;
  /** Its content was found and re-hashed. */
  readonly content: boolean;
  readonly level: ProvenanceLevel;
}

export interface SinkOptions {
  /** Looks up what a claim names; unknown evidence adds nothing. */
  readonly resolve: (reference: Json) => GroundedWitness | undefined;
  readonly minSources?: number;
  readonly minScore?: number;
  readonly tier?: "strict" | "normal";
  readonly channel?: "realtime" | "normal";
}

export type SinkResult = Check<
  | { readonly bypass: true }
  | {
      readonly bypass: false;
      readonly fingerprints: readonly string[];
      readonly minDistinctSources: number;
      readonly trustScore: number;
    }
>;

/** d + 0.5·c + 0.25·s over distinct origins; repeating evidence adds nothing. */
export function claimScore(witnesses: readonly GroundedWitness[]): {
  readonly distinct: number;
  readonly score: number;
} {
  const origins = (wanted: (witness: GroundedWitness) => boolean): number =>
    new Set(witnesses.filter(wanted).map(({ origin }) => origin)).size;
  const distinct = origins(() => true);
  const score =
    distinct + 0.5 * origins(({ content }) => content) + 0.25 * origins(({ level }) => level >= 2);
  return { distinct, score };
}

function thresholds(options: SinkOptions): { readonly minSources: number; readonly minScore: number } {
  const floor = options.tier === "strict" ? 2 : 0;
  const minScore = Math.max(floor, options.minScore ?? 1);
  return {
    minSources: Math.max(floor, options.minSources ?? 1),
    minScore: options.channel === "realtime" ? Math.max(1, minScore) : minScore,
  };
}

const filled = (x: Json | undefined): boolean => typeof x === "string" && x !== "";

/** Checked when sent and again when received. The bundle is not modified. */
export function checkGrounded(op: string, bundle: Json | undefined, options: SinkOptions): SinkResult {
  if (CONTROL_OPS.has(op)) return { ok: true, bypass: true };
  const need = ["text", "claims"];
  if (op === "" || !isJsonObject(bundle) || !need.every((key) => Object.hasOwn(bundle, key))) {
    return failed("bundle_missing_fields", { need });
  }
  const claims = member(bundle, "claims");
  if (typeof bundle.text !== "string" || !Array.isArray(claims) || claims.length === 0) {
    return failed("bad_types_or_empty_claims");
  }
  const { minSources, minScore } = thresholds(options);
  let trustScore = 0;
  let minDistinctSources = Number.POSITIVE_INFINITY;
  for (const [index, claim] of (claims as readonly Json[]).entries()) {
    if (!isJsonObject(claim)) return failed("claim_not_object", { index });
    if (!filled(member(claim, "type")) || !filled(member(claim, "text"))) {
      return failed("claim_missing_core_fields", { index });
    }
    const evidence = member(claim, "evidence");
    if (!Array.isArray(evidence) || evidence.length === 0) return failed("claim_missing_evidence", { index });
    const witnesses = (evidence as readonly Json[]).flatMap((reference) => options.resolve(reference) ?? []);
    const { distinct, score } = claimScore(witnesses);
    if (distinct < minSources)
      return failed("not_enough_sources", { index, have: distinct, need: minSources });
    trustScore += score;
    minDistinctSources = Math.min(minDistinctSources, distinct);
  }
  if (trustScore + 1e-9 < minScore) return failed("low_total_trust", { got: trustScore, need: minScore });
  return { ok: true, bypass: false, fingerprints: claims.map(hashJson), minDistinctSources, trustScore };
}
