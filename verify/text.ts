/** A report for people. */
import { CODES, type Details } from "./codes.ts";
import type { Finding, Proven, Report } from "./report.ts";

/** Nothing that others wrote may steer a terminal. */
const safe = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (char) => `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );

const detailsText = (details: Details): string => {
  const members = Object.entries(details).map(([name, value]) => `${name} ${value}`);
  return members.length === 0 ? "" : ` (${members.join(", ")})`;
};

const line = (...cells: readonly string[]): string => cells.map(safe).join("\t");

const findingLine = ({ status, code, item, details }: Finding): string =>
  line(status, item, code, `${CODES[code]}${detailsText(details)}`);
const provenLine = ({ item, says, by }: Proven): string => line("proven", item, says, `by ${by}`);

/** Lines with tabs: what is not proven first, then what is, then the verdict with its reason. */
export function reportText(report: Report): string {
  const { findings, findingCount, proven, notes, verdict, code, counts } = report;
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const lines = [...findings.map(findingLine)];
  if (findingCount > findings.length) lines.push(`and ${findingCount - findings.length} more`);
  lines.push(...proven.map(provenLine));
  if (total > proven.length) lines.push(`and ${total - proven.length} more proven`);
  lines.push(...notes.map((note) => line("note", note)));
  if (report.origin !== null) {
    lines.push(line("log", report.origin, `size ${report.size}`, `root ${report.root}`));
  }
  lines.push(...report.witnessedBy.map((witness) => line("witness", witness)));
  lines.push(`${verdict}${code === null ? "" : `\t${code}`}`);
  return `${lines.join("\n")}\n`;
}
