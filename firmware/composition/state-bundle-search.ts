/** Finding the entry of a run: ids of runs begin with their time, and entries are nearly in order of time. */
import { CodedError } from "../core/errors.ts";
import type { LedgerReader } from "../ledger/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";

/** `r` and 12 hex digits of ms (vm.md 12). */
const TIMED = /^r([0-9a-f]{12})/;
/** Ms that a clock may have been set back between the start of a run and its entry, for the quick way. */
const SLACK_MS = 120_000;

/** The first index whose entry is at or after the time; a binary search, so only a hint if clocks jumped. */
async function firstAt(reader: LedgerReader, timeMs: number): Promise<number> {
  let low = 0;
  let high = reader.head.size;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await reader.entry(middle);
    // A pruned entry is older than every one that is there.
    if (found === undefined || found.entry.ts < timeMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

type IsIt = (event: LedgerEvent) => boolean;

async function scan(reader: LedgerReader, isIt: IsIt, from: number): Promise<number | null> {
  for await (const { index, entry } of reader.entries(from)) if (isIt(entry.event)) return index;
  return null;
}

/**
 * The index of the run's own entry, or of the rollup that covers it.
 * @param rollup the first run of that rollup, null for a run with an entry of its own.
 * @throws CodedError `not_found` (404).
 */
export async function findRun(reader: LedgerReader, runId: string, rollup: string | null): Promise<number> {
  const isIt: IsIt =
    rollup === null
      ? (event) => event.kind === "run" && event.runId === runId
      : (event) => event.kind === "run_rollup" && event.data.firstRunId === rollup;
  const startMs = Number.parseInt(TIMED.exec(runId)?.[1] ?? "0", 16);
  const hint = await firstAt(reader, startMs - SLACK_MS);
  const found = (await scan(reader, isIt, hint)) ?? (hint > 0 ? await scan(reader, isIt, 0) : null);
  if (found !== null) return found;
  throw new CodedError("not_found", `The ledger has no entry of a run ${runId}.`, {
    status: 404,
    details: { runId },
  });
}
