import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { measureAsync } from "../../../lib/async-rounds.ts";
import { scratch } from "../../../lib/scratch.ts";
import type { Summary } from "../../../lib/statistics.ts";
import type { Progress } from "../../../lib/suite.ts";
import { LOGS } from "../logs/index.ts";
import { type OpenedLog, openLog } from "../logs/log.ts";
import type { LedgerSettings } from "../settings.ts";

export interface AppendReport {
  readonly group: number;
  /** Entries per second. */
  readonly rates: Readonly<Record<string, Summary>>;
}

/** Opens every log in a folder of its own on the same disk. */
export async function openAll(dir: string): Promise<readonly OpenedLog[]> {
  const opened: OpenedLog[] = [];
  for (const source of LOGS) {
    const own = join(dir, source.id);
    await mkdir(own);
    opened.push(await openLog(source, own));
  }
  return opened;
}

export async function closeAll(logs: readonly OpenedLog[]): Promise<void> {
  for (const { log } of logs) await log?.[Symbol.asyncDispose]();
}

export async function measureAppend(
  group: number,
  settings: LedgerSettings,
  progress: Progress,
): Promise<AppendReport> {
  progress(`append, groups of ${group}`);
  await using folder = await scratch(settings.dir);
  const opened = await openAll(folder.path);
  const contenders = opened.flatMap(({ id, log }) =>
    log === null
      ? []
      : [
          {
            id,
            run: async () => {
              await log.append(group);
              return group;
            },
          },
        ],
  );
  const rates = await measureAsync(contenders, settings, progress);
  await closeAll(opened);
  return { group, rates };
}
