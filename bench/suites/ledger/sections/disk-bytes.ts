import { isJsonObject } from "../../../../firmware/core/json.ts";
import { askChild } from "../../../lib/child.ts";
import type { Progress } from "../../../lib/suite.ts";
import { LOGS } from "../logs/index.ts";
import type { LedgerSettings } from "../settings.ts";

const CHILD = new URL("../children/disk-bytes.js", import.meta.url);

export interface DiskBytes {
  readonly id: string;
  readonly group: number;
  readonly entries: number;
  /** Bytes per entry that went to the disk in whole pages; null where the system does not count them. */
  readonly disk: number | null;
  /** Bytes per entry given to write calls: without the rest of the last page of each sync. */
  readonly calls: number | null;
}

const numberIn = (value: unknown): number => (typeof value === "number" ? value : Number.NaN);

/** Bytes per entry of 250 bytes, with all that a log writes for it, compaction included. */
export async function measureDiskBytes(
  settings: LedgerSettings,
  progress: Progress,
): Promise<readonly DiskBytes[]> {
  const found: DiskBytes[] = [];
  for (const group of settings.groups) {
    // Small groups wait for the disk at each: fewer entries tell the same.
    const count = Math.min(settings.diskEntries, group * settings.diskGroups);
    for (const { id } of LOGS) {
      progress(`disk bytes: ${id}, ${count} entries in groups of ${group}`);
      const answer = await askChild(CHILD, [id, String(group), String(count), settings.dir]).catch(
        () => null,
      );
      if (!isJsonObject(answer)) continue;
      const entries = numberIn(answer.entries);
      const per = (bytes: unknown): number | null =>
        answer.measured === true ? numberIn(bytes) / entries : null;
      found.push({ id, group, entries, disk: per(answer.disk), calls: per(answer.calls) });
    }
  }
  return found;
}
