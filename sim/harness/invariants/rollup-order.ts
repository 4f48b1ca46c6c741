/** I2: a rollup is written before every other entry of its program, so that the order of entries is that of events (ledger.md 8). */
import type { JsonObject } from "../../../firmware/core/json.ts";
import type { DeviceFacts, StoredEntry } from "./facts.ts";
import type { Invariant, Life } from "./invariant.ts";

/** `r` and the ms of its start; what follows is drawn, so that runs of one ms are in no order. */
const timeOf = (runId: string): string => runId.slice(0, 13);

type Say = (what: string, details: JsonObject) => void;

/** The entries of each life, without those before the first `boot` that is left. */
function lives(entries: readonly StoredEntry[]): readonly (readonly StoredEntry[])[] {
  const found: StoredEntry[][] = [];
  for (const entry of entries) {
    if (entry.entry.event.kind === "boot") found.push([]);
    found.at(-1)?.push(entry);
  }
  return found;
}

/** Where the calendar went back, later runs have earlier ids. */
const goesBack = ({ offsets }: Life): boolean =>
  offsets.some(
    ({ wallMinusTrueMs }, i) => wallMinusTrueMs < (offsets[i - 1]?.wallMinusTrueMs ?? wallMinusTrueMs),
  );

/** Ids of runs begin with their time, so that one with a later id than a rollup's first one came after it. */
function checkLife(entries: readonly StoredEntry[], say: Say): void {
  const latest = new Map<string, { readonly index: number; readonly runId: string }>();
  for (const { index, entry } of entries) {
    const { kind, actor, data, runId } = entry.event;
    if (kind === "run" && runId !== undefined) {
      const known = latest.get(actor);
      if (known === undefined || known.runId < runId) latest.set(actor, { index, runId });
    }
    if (kind !== "run_rollup" || data.recovered === true) continue;
    const own = latest.get(actor);
    const first = String(data.firstRunId);
    if (own !== undefined && timeOf(own.runId) > timeOf(first))
      say("A rollup was written after a later entry of its program.", {
        index,
        firstRunId: first,
        later: own.index,
        runId: own.runId,
      });
  }
}

export const rollupOrderInvariant: Invariant = {
  id: "I2",
  check(context) {
    for (const { device, entries } of context.facts satisfies readonly DeviceFacts[]) {
      const actor = device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I2", what, actor, details });
      const unordered = new Set(device.lives.filter(goesBack).map(({ bootId }) => bootId));
      for (const life of lives(entries))
        if (!unordered.has(String(life[0]?.entry.event.data.bootId))) checkLife(life, say);
    }
  },
};
