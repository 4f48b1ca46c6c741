/** What the last boot left unfinished: runs that were cut (vm.md 9.3), and runs that no rollup covers yet (ledger.md 8). */
import { decodeCbor } from "../core/cbor.ts";
import { isJsonObject } from "../core/json.ts";
import { GROWING_SUB, sumShares } from "../ledger/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import { del, type StoreOp } from "../ports/store.ts";
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

/**
 * Records a rollup for every program whose last one was lost with the power, over the records that are stored.
 * @throws CodedError `store_corrupt` if a record cannot be read; `ledger_unavailable`.
 */
export async function recoverRollups({ store, runs, ledger }: DeviceState): Promise<void> {
  const events: LedgerEvent[] = [];
  const ops: StoreOp[] = [];
  for await (const [program, row] of store.range(GROWING_SUB)) {
    const value = decodeCbor(row);
    const { actor, runId } = isJsonObject(value) ? value : {};
    // The row is written with the first record: without one the batch was lost and the row with it.
    const shares = typeof runId === "string" ? await runs.sharesOf(runId) : [];
    const event = sumShares(typeof actor === "string" ? actor : `program:${program}`, shares, true);
    if (event !== null) events.push(event);
    ops.push(del(GROWING_SUB, program));
  }
  if (ops.length > 0) await ledger.commit({ events, ops }, { urgent: true });
}
