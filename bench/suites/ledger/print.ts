/** The report as one JSON value and as text for people. */
import { shortJson, spreadText, targetsText } from "../../lib/report-text.ts";
import { type Summary, significant } from "../../lib/statistics.ts";
import { type Cell, table } from "../../lib/table.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { LedgerReport } from "./report.ts";
import type { DayCase } from "./sections/day.ts";
import type { DiskBytes } from "./sections/disk-bytes.ts";
import type { ProofReport } from "./sections/proofs.ts";
import { ledgerTargets } from "./targets.ts";

export const reportJson = (report: LedgerReport): unknown =>
  shortJson({ ...report, targets: ledgerTargets(report) });

const share = (summary: Summary, of: Summary | undefined): Cell =>
  of === undefined ? null : `${significant(summary.median / of.median, 3)} ×`;

function ratesText(title: string, rates: Readonly<Record<string, Summary>>, base: string): string {
  const rows = Object.entries(rates).map(([id, summary]) => [
    id,
    summary.median,
    spreadText(summary),
    share(summary, rates[base]),
  ]);
  return `${title}\n${table(["log", "entries/s", "spread", `of ${base}`], rows)}`;
}

function proofText({ entries, proofs, hashes, made, verified }: ProofReport): string {
  const rows = [
    ["made", made.median, made.p99, made.max],
    ["verified", verified.median, verified.p99, verified.max],
  ];
  const title = `proof: ms for one of ${entries} entries, at most ${hashes} hashes, ${proofs} proofs`;
  return `${title}\n${table(["", "median", "p99", "max"], rows)}`;
}

function diskText(rows: readonly DiskBytes[]): string {
  const groups = [...new Set(rows.map(({ group }) => group))];
  const ids = [...new Set(rows.map(({ id }) => id))];
  const cell = (id: string, group: number): Cell => {
    const found = rows.find((row) => row.id === id && row.group === group);
    return found?.disk == null ? null : significant(found.disk / ENTRY_BYTES, 3);
  };
  const body = ids.map((id) => [id, ...groups.map((group) => cell(id, group))]);
  const title = `disk: bytes written per byte of a ${ENTRY_BYTES}-byte entry, by size of group`;
  return `${title}\n${table(["log", ...groups.map(String)], body)}`;
}

function dayText(cases: readonly DayCase[]): string {
  const rows = cases.map(({ groupCommitMs, runs, perDay }) => [
    `${groupCommitMs} ms`,
    runs,
    perDay.diskMB,
    perDay.callsMB,
    perDay.rowsMB,
    perDay.batches,
    perDay.syncs,
  ]);
  const head = ["group commit", "runs", "disk MB", "written MB", "rows MB", "batches", "syncs"];
  const parts = Object.entries(cases[0]?.perDay.rowsMBOf ?? {}).map(([sub, megabytes]) => [sub, megabytes]);
  const title = "day: one program at 1 Hz with telemetry, extrapolated to a day";
  return `${title}\n${table(head, rows)}\nrows by sublevel\n${table(["sublevel", "MB"], parts)}`;
}

export function reportText(report: LedgerReport): string {
  const { machine, settings, logs, append, verification, proof, disk, day } = report;
  const rounds = `${settings.rounds} rounds of ${settings.roundMs} ms, medians`;
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds}; logs in ${settings.dir}\n`,
    logs
      .map(({ id, title, reason }) => `  ${id}: ${title}${reason === null ? "" : `; missing: ${reason}`}\n`)
      .join(""),
    ...(append ?? []).map(({ group, rates }) => ratesText(`append: groups of ${group}`, rates, "imu")),
    verification === null
      ? ""
      : ratesText(`verify: a log of ${verification.entries} entries`, verification.rates, "imu"),
    proof === null ? "" : proofText(proof),
    disk === null ? "" : diskText(disk),
    day === null ? "" : dayText(day),
    targetsText(ledgerTargets(report)),
  ];
  return parts.filter((part) => part !== "").join("\n");
}
