import { sha256 } from "../../../../firmware/core/hash.ts";
import { measureAsync } from "../../../lib/async-rounds.ts";
import { scratch } from "../../../lib/scratch.ts";
import type { Summary } from "../../../lib/statistics.ts";
import type { Progress } from "../../../lib/suite.ts";
import { ENTRY_BYTES } from "../entries.ts";
import type { LedgerSettings } from "../settings.ts";
import { closeAll, openAll } from "./append.ts";

export interface VerificationReport {
  readonly entries: number;
  /** Entries per second. */
  readonly rates: Readonly<Record<string, Summary>>;
}

const FILL = 256;

/** What our verification hashes for each entry, and nothing else: the entry, its leaf, one node of the tree. */
function hashesOnly(entries: number) {
  const entry = new Uint8Array(ENTRY_BYTES);
  const leaf = new Uint8Array(ENTRY_BYTES + 1);
  const node = new Uint8Array(65);
  return {
    id: "hashes-only",
    run: async () => {
      for (let i = 0; i < entries; i++) {
        sha256(entry);
        sha256(leaf);
        sha256(node);
      }
      return entries;
    },
  };
}

/** Full verification of logs of equal length, each by its own means. */
export async function measureVerification(
  settings: LedgerSettings,
  progress: Progress,
): Promise<VerificationReport> {
  const { verifyEntries: entries } = settings;
  await using folder = await scratch(settings.dir);
  const opened = (await openAll(folder.path)).filter(({ log }) => log?.verify !== undefined);
  const contenders = [];
  for (const { id, log } of opened) {
    progress(`verification: filling ${id} with ${entries} entries`);
    for (let size = 0; size < entries; size += FILL) await log?.append(Math.min(FILL, entries - size));
    const check = log?.verify;
    if (check === undefined) continue;
    const run = async (): Promise<number> => {
      const count = await check();
      if (count < entries) throw new Error(`${id} has verified ${count} of ${entries} entries.`);
      return entries;
    };
    contenders.push({ id, run });
  }
  contenders.push(hashesOnly(entries));
  const rates = await measureAsync(contenders, { ...settings, roundMs: 0, warmupMs: 1 }, progress);
  await closeAll(opened);
  return { entries, rates };
}
