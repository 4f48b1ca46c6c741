/** The ledger beside its peers: which parts there are, and their order. */
import { machineFacts } from "../../lib/machine-facts.ts";
import { scratch } from "../../lib/scratch.ts";
import type { Progress, Suite } from "../../lib/suite.ts";
import type { LogFacts } from "./logs/log.ts";
import { reportJson, reportText } from "./print.ts";
import type { LedgerReport } from "./report.ts";
import { type AppendReport, closeAll, measureAppend, openAll } from "./sections/append.ts";
import { measureDay } from "./sections/day.ts";
import { measureDiskBytes } from "./sections/disk-bytes.ts";
import { measureProofs } from "./sections/proofs.ts";
import { measureVerification } from "./sections/verification.ts";
import { type LedgerSettings, ledgerSettings, PARTS, type Part } from "./settings.ts";

async function factsOf(settings: LedgerSettings, progress: Progress): Promise<readonly LogFacts[]> {
  await using folder = await scratch(settings.dir);
  const opened = await openAll(folder.path);
  for (const { id, reason } of opened) if (reason !== null) progress(`log ${id} is missing: ${reason}`);
  await closeAll(opened);
  return opened.map(({ log: _, ...facts }) => facts);
}

async function measureAppends(settings: LedgerSettings, progress: Progress): Promise<AppendReport[]> {
  const reports: AppendReport[] = [];
  for (const group of settings.groups) reports.push(await measureAppend(group, settings, progress));
  return reports;
}

async function measure(settings: LedgerSettings, progress: Progress): Promise<LedgerReport> {
  const startedAt = process.hrtime.bigint();
  const wants = (part: Part): boolean => settings.only.includes(part);
  return {
    suite: "ledger",
    machine: machineFacts(),
    settings,
    logs: await factsOf(settings, progress),
    append: wants("append") ? await measureAppends(settings, progress) : null,
    verification: wants("verify") ? await measureVerification(settings, progress) : null,
    proof: wants("proof") ? await measureProofs(settings, progress) : null,
    disk: wants("disk") ? await measureDiskBytes(settings, progress) : null,
    day: wants("day") ? await measureDay(settings, progress) : null,
    seconds: Math.round(Number(process.hrtime.bigint() - startedAt) / 1e9),
  };
}

export const ledgerSuite: Suite = {
  name: "ledger",
  about: "the ledger beside LevelDB alone, LevelDB and SQLite with a chain, and Hypercore",
  usage: `      --only a,b      parts: ${PARTS.join(" ")}
      --groups a,b    entries per append (1,32,100,256)
      --rounds n --round-ms n --entries n (of the log that proofs are made from) --dir path`,
  run: async (args, progress) => {
    const settings = ledgerSettings(args);
    const report = await measure(settings, progress);
    return settings.json ? `${JSON.stringify(reportJson(report))}\n` : reportText(report);
  },
};
