/** How well the provenance of a record is proven (evidence.md 6, "Levels"). */
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import type { ProvenanceLevel } from "./types.ts";

/** `evidence.signatureFreshMs`. */
export const SIGNATURE_FRESH_MS = EVIDENCE_LIMITS.signatureFreshMs;

/** Cumulative: the highest n for which all conditions 1..n hold. */
export function provenanceLevel(input: {
  readonly registered: boolean;
  /** Seal of this device or a signature the rule names, over the whole record. */
  readonly signature: "none" | "bad" | "valid";
  readonly ageMs: number;
  readonly future: boolean;
  readonly signatureFreshMs?: number;
}): ProvenanceLevel {
  if (!input.registered) return 0;
  if (input.signature !== "valid") return 1;
  return !input.future && input.ageMs <= (input.signatureFreshMs ?? SIGNATURE_FRESH_MS) ? 3 : 2;
}
