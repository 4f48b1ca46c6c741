/** What the last boot left unfinished: runs that were cut by a power loss or a crash (vm.md 9.3). */
import type { LedgerEvent } from "../ledger/types.ts";
import type { DeviceState } from "./state.ts";

/**
 * Records every run that began an effect and never settled, in one batch that also forgets them. Their outputs are
 * driven safe by the start itself, before any program runs.
 * @returns the ids of the runs.
 */
export async function recoverOpenRuns(state: DeviceState): Promise<readonly string[]> {
  const open = await state.runs.openRuns();
  if (open.length === 0) return [];
  const events = open.map(
    (run): LedgerEvent => ({
      kind: "effect_outcome_unknown",
      actor: run.subject,
      severity: "warn",
      data: {
        effectId: run.runId,
        program: run.program,
        programHash: run.programHash,
        policyHash: run.policyHash,
        startedAt: run.startedAt,
        outputs: [...run.outputs],
        reason: "power_lost",
      },
      runId: run.runId,
    }),
  );
  await state.ledger.commit(
    { events, ops: open.map(({ runId }) => state.runs.clearOpen(runId)) },
    { urgent: true },
  );
  return open.map(({ runId }) => runId);
}
