/** What a refused reply says, and the claim of a pure computation (evidence.md 8, 9). */
import { canonicalize } from "../core/canonical-json.ts";
import { hashJson } from "../core/hash.ts";
import type { JsonObject } from "../core/json.ts";
import type { Claim } from "./types.ts";

/**
 * `[FALLBACK] <reason>`, with the canonical details if there are any. Never an invented value, never
 * silence.
 */
export const fallbackText = (reason: string, details: JsonObject = {}): string =>
  Object.keys(details).length === 0
    ? `[FALLBACK] ${reason}`
    : `[FALLBACK] ${reason} | ${canonicalize(details)}`;

export interface VmTrace {
  readonly programHash: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly steps: number;
  readonly vmVersion: string;
}

/** The claim the daemon adds for a run that called no capability, of a program with `allowCompute`. */
export function computeClaim(trace: VmTrace, traceEvidenceId: string): Claim {
  const { programHash, inputHash, outputHash, steps, vmVersion } = trace;
  const digest = hashJson({ programHash, inputHash, outputHash, steps, vmVersion });
  return {
    id: `compute:${digest.slice(0, 16)}`,
    type: "compute",
    text: "deterministic compute",
    schema: { type: "hash" },
    value: outputHash,
    evidence: [traceEvidenceId],
  };
}
