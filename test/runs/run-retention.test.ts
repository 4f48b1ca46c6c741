import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { ContentWatch } from "../../firmware/evidence/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { RunRetention } from "../../firmware/runs/run-retention.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const DAY_MS = 86_400_000;
const NOW = 1_700_000_000_000;
const limits = { recordDays: 365, recordBytes: 1e9, evidenceDays: 30, evidenceBytes: 1e9 };

const idAt = (ms: number): string => `r${ms.toString(16).padStart(12, "0")}01234567`;

async function kept(starts: readonly number[]): Promise<readonly number[]> {
  const store = new ContentWatch(new MemoryStore());
  const row = encodeCbor({ v: 1 });
  await store.batch(
    starts.map((start) => put("run", idAt(start), row)),
    { sync: true },
  );
  await new RunRetention(store).round(limits, NOW, async () => undefined);
  const left: string[] = [];
  for await (const [key] of store.range("run")) left.push(key);
  return starts.filter((start) => left.includes(idAt(start)));
}

describe("retention of runs", () => {
  it("takes what is older than its days", async () => {
    const [old, young] = [NOW - 366 * DAY_MS, NOW - 364 * DAY_MS];

    expect(await kept([old, young])).toEqual([young]);
  });

  it("keeps what ran before the clock was set: a board without a battery begins in 1970", async () => {
    const starts = [5000, 9000, NOW - DAY_MS];

    expect(await kept(starts)).toEqual(starts);
  });

  it("takes what ran before the clock was set as soon as what came after it is too old", async () => {
    const starts = [5000, 9000, NOW - 400 * DAY_MS, NOW - DAY_MS];

    expect(await kept(starts)).toEqual([NOW - DAY_MS]);
  });
});
