import { isJsonObject, type Json, type JsonObject } from "../../../../firmware/core/json.ts";
import { askChild } from "../../../lib/child.ts";
import type { Progress } from "../../../lib/suite.ts";
import type { LedgerSettings } from "../settings.ts";

const CHILD = new URL("../children/day.js", import.meta.url);
const DEFAULT_GROUP_MS = 20;
const DAY_MINUTES = 24 * 60;
const MB = 1e6;

export interface DayCase {
  /** ms that a commit waits for others; 0: each has a batch of its own. */
  readonly groupCommitMs: number;
  readonly runs: number;
  /** Of a day, by the minutes that were measured. MB are a million bytes. */
  readonly perDay: {
    /** Whole pages to the disk, and bytes given to write calls; null where the system does not count them. */
    readonly diskMB: number | null;
    readonly callsMB: number | null;
    /** Keys and values given to the database. */
    readonly rowsMB: number;
    /** The same by sublevel, the largest first. */
    readonly rowsMBOf: Readonly<Record<string, number>>;
    readonly batches: number;
    readonly syncs: number;
  };
}

const numberIn = (row: JsonObject, name: string): number => {
  const value = row[name];
  return typeof value === "number" ? value : Number.NaN;
};

function largestFirst(bytes: Json | undefined, factor: number): Readonly<Record<string, number>> {
  const rows = Object.entries(isJsonObject(bytes ?? null) ? (bytes as JsonObject) : {});
  const scaled = rows.map(([sub, value]) => [sub, Number(value) * factor] as const);
  return Object.fromEntries(scaled.sort(([, a], [, b]) => b - a));
}

/** What a daemon writes in a day, with group commit as it is by default, and without it. */
export async function measureDay(settings: LedgerSettings, progress: Progress): Promise<readonly DayCase[]> {
  const { dayFactor, dayMinutes, dir } = settings;
  const days = DAY_MINUTES / dayMinutes;
  const cases: DayCase[] = [];
  for (const groupCommitMs of [DEFAULT_GROUP_MS, 0]) {
    progress(`day: ${dayMinutes} minutes at ${dayFactor} times the speed, group commit ${groupCommitMs} ms`);
    const args = [dayFactor, dayMinutes, groupCommitMs, dir].map(String);
    const row = await askChild(CHILD, args);
    if (!isJsonObject(row)) throw new Error("The daemon of a day has said nothing.");
    const megabytes = (name: string): number => (numberIn(row, name) * days) / MB;
    const isMeasured = row.measured === true;
    cases.push({
      groupCommitMs,
      runs: numberIn(row, "runs"),
      perDay: {
        diskMB: isMeasured ? megabytes("disk") : null,
        callsMB: isMeasured ? megabytes("calls") : null,
        rowsMB: megabytes("bytes"),
        rowsMBOf: largestFirst(row.bySub, days / MB),
        batches: numberIn(row, "batches") * days,
        syncs: numberIn(row, "synced") * days,
      },
    });
  }
  return cases;
}
