/** What the reply gate says before any evidence is judged (vm.md 10, 14). */
import { type Refusal, refusal } from "../../core/errors.ts";
import type { MachineResult } from "../machine/machine-types.ts";

/** A run that called nothing and may answer with the trace itself as its proof. */
export const isComputeOnly = (result: MachineResult): boolean => result.metrics.ioCalls === 0;

/**
 * Null if the reply may go on to the guard. A reply without a claim is refused, unless policy allows the program to
 * compute and the run called no capability; then the daemon adds the compute claim.
 */
export function replyGate(result: MachineResult, policy: { readonly allowCompute: boolean }): Refusal | null {
  if (result.ended !== "responded" || result.outcome.claims.length > 0) return null;
  if (policy.allowCompute && isComputeOnly(result)) return null;
  return refusal("no_claims_no_response", 412);
}
