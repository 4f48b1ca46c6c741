/**
 * A power cut at every step of what a device writes: settlements, an unsynced note, a checkpoint, pruning. Each step is cut
 * before, during and after it; of what was not synced, more or less is left; the last unsynced batch may be torn. The disk
 * tells the truth about what it synced: a disk that lies is another chapter (test/sim/disk).
 */
import { expect, test } from "vitest";
import { type Ledger, LedgerReader, verifyStore } from "../../firmware/ledger/index.ts";
import { del, put, type Store } from "../../firmware/ports/store.ts";
import type { SimDisk } from "../../sim/disk/sim-disk.ts";
import { type CutPoint, type Steps, UNCUT } from "../../sim/power/steps.ts";
import { bench, event, headKey } from "../ledger/fixture.ts";
import { CutSteps, NO_WAIT, newDisk, share } from "../sim/disk/fixture.ts";

const POINTS: readonly CutPoint[] = ["before", "during", "after"];
const LEFT = [0, 0.34, 0.67, 0.999];
/** Entries before the first cut: enough that a whole tile can be pruned. */
const BEFORE = 300;
const PER_UNIT = 5;

interface Acknowledged {
  readonly index: number;
  readonly hash: string;
}

const keyOf = (unit: number, part: number): string => `${unit}!${part}`;

interface Booted {
  readonly store: Store;
  readonly ledger: Ledger;
}

async function settle({ store, ledger }: Booted, unit: number, acknowledged: Acknowledged[]): Promise<void> {
  const parts = Array.from({ length: PER_UNIT }, (_, part) => part);
  // What a run notes before its first effect; its settlement takes it away.
  await store.batch([put("runopen", String(unit), Uint8Array.of(unit))], { sync: false });
  const receipts = await ledger.commit(
    {
      events: parts.map((part) => ({
        ...event(part),
        data: { name: `unit ${unit}`, old: part, new: PER_UNIT },
      })),
      ops: [
        del("runopen", String(unit)),
        ...parts.map((part) => put("run", keyOf(unit, part), Uint8Array.of(part))),
      ],
    },
    { urgent: true },
  );
  acknowledged.push(...receipts);
}

async function openOn(disk: SimDisk, steps: Steps): Promise<Booted> {
  const store = await disk.openStore(steps, NO_WAIT);
  return { store, ledger: await bench(store).open() };
}

/** A disk on which a device has lived: nothing of it is unsynced. */
async function livedOn(): Promise<SimDisk> {
  const disk = newDisk({ lyingBatches: 1 });
  const { ledger } = await openOn(disk, UNCUT);
  const events = Array.from({ length: BEFORE }, (_, n) => event(n));
  await ledger.commit({ events, ops: [] }, { urgent: true });
  await ledger.checkpoint();
  disk.kill();
  return disk;
}

/** One boot: opening, two settlements, a checkpoint between them, pruning, another settlement. */
async function live(disk: SimDisk, steps: Steps, acknowledged: Acknowledged[]): Promise<void> {
  const booted = await openOn(disk, steps);
  const { ledger } = booted;
  await settle(booted, 1, acknowledged);
  await ledger.checkpoint();
  await settle(booted, 2, acknowledged);
  await ledger.prune({ largestWitnessed: ledger.head.size, firstIndexToKeep: 256 });
  await settle(booted, 3, acknowledged);
}

async function labelsOfALife(): Promise<readonly string[]> {
  const steps = new CutSteps(null);
  await live(await livedOn(), steps, []);
  return steps.labels;
}

async function cutIn(step: number, point: CutPoint, left: number, torn: boolean) {
  const disk = await livedOn();
  const acknowledged: Acknowledged[] = [];
  await new Promise<void>((cut) => {
    const steps = new CutSteps({ step, point }, cut);
    void live(disk, steps, acknowledged);
  });
  disk.powerCut(share(left), { torn });
  return { disk, acknowledged };
}

/** What is wrong with the disk after the cut and the next start, in words. */
async function problemsOf(disk: SimDisk, acknowledged: readonly Acknowledged[]): Promise<string[]> {
  const booted = await openOn(disk, UNCUT);
  const { store, ledger } = booted;
  const problems: string[] = [];
  if (ledger.openedAs.is !== "ready") problems.push(`opened as ${ledger.openedAs.is}`);
  const report = await verifyStore(store, { logKeys: ledger.logKeys, origin: ledger.origin, headKey });
  if (!report.ok) problems.push(`${report.reason} at ${report.firstBad}`);
  for (const warning of report.warnings) problems.push(JSON.stringify(warning));
  const reader = await LedgerReader.open(store, { headKey });
  for (const { index, hash } of acknowledged)
    if ((await reader.entry(index))?.hash !== hash) problems.push(`acknowledged entry ${index} is missing`);
  const parts = new Map<string, number>();
  for await (const { entry } of reader.entries()) {
    const name = String(entry.event.data.name);
    if (name.startsWith("unit ")) parts.set(name.slice(5), (parts.get(name.slice(5)) ?? 0) + 1);
  }
  const rows = new Map<string, number>();
  for await (const [key] of store.range("run")) {
    const unit = key.split("!")[0] ?? "";
    rows.set(unit, (rows.get(unit) ?? 0) + 1);
  }
  const whole = (counts: ReadonlyMap<string, number>): boolean =>
    [...counts.values()].every((count) => count === PER_UNIT);
  if (!whole(parts) || !whole(rows) || [...parts.keys()].join() !== [...rows.keys()].join())
    problems.push(`half applied: entries ${[...parts].join(" ")}, rows ${[...rows].join(" ")}`);
  // Life goes on: the next settlement and checkpoint join what is left.
  const more: Acknowledged[] = [];
  await settle(booted, 9, more);
  await ledger.checkpoint();
  const again = await verifyStore(store, { logKeys: ledger.logKeys, origin: ledger.origin, headKey });
  if (!again.ok || again.size !== report.size + PER_UNIT) problems.push("the log cannot go on");
  return problems;
}

test("whatever step the power fails in, what was acknowledged is there, whole, and verifies", {
  timeout: 120_000,
}, async () => {
  const labels = await labelsOfALife();
  expect(labels.filter((label) => label === "store.sync").length).toBeGreaterThanOrEqual(7);
  expect(labels).toContain("store.batch");
  const found: string[] = [];
  let cuts = 0;
  for (let step = 1; step <= labels.length; step++) {
    // A read leaves nothing unsynced that the write before it did not.
    const isWrite = labels[step - 1] === "store.sync" || labels[step - 1] === "store.batch";
    for (const point of isWrite ? POINTS : (["before"] as const)) {
      for (const left of isWrite ? LEFT : [0.5]) {
        for (const torn of isWrite ? [false, true] : [false]) {
          const { disk, acknowledged } = await cutIn(step, point, left, torn);
          for (const problem of await problemsOf(disk, acknowledged))
            found.push(`${point} step ${step} ${labels[step - 1]}, left ${left}, torn ${torn}: ${problem}`);
          cuts++;
        }
      }
    }
  }
  process.stdout.write(`power cuts: ${cuts} in ${labels.length} steps of one life\n`);
  expect(found).toEqual([]);
});
