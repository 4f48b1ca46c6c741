/** What a recorded run claimed at each of its calls (vm.md 10, 11): no record holds it, the journal gives it back. */
import type { Json } from "../core/json.ts";
import { schemaCheck, withRecordedSources } from "../runs/index.ts";
import { type CallRequest, type MachineResult, replayJournal, type VerifiedProgram } from "../vm/index.ts";

/**
 * By the order of the journal's calls. Calls behind the point where a run no longer follows its journal are missing:
 * their claims are not known.
 */
export function claimsOfCalls(
  program: VerifiedProgram,
  inputs: Pick<MachineResult, "journal" | "limits" | "payload" | "trigger">,
  simulated: boolean,
): readonly (readonly Json[])[] {
  const claims: (readonly Json[])[] = [];
  const answered = (request: CallRequest): void => {
    claims.push(withRecordedSources(request.claims, simulated));
  };
  replayJournal(program, inputs, {}, { checkSchema: schemaCheck, answered });
  return claims;
}
