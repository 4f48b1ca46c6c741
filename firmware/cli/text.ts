/** Plain text for terminals and pipes: columns, times, and nothing that a terminal would take for a command. */

/** Recorded text is written by others; control characters in it must not reach a terminal. */
export function safe(text: string): string {
  let result = "";
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    const isControl = code < 0x20 || (code >= 0x7f && code <= 0x9f);
    result += isControl ? `\\u${code.toString(16).padStart(4, "0")}` : char;
  }
  return result;
}

/** One value as it stands in a column: text as it is, everything else as JSON, nothing as a hyphen. */
export function cell(value: unknown): string {
  if (value === null || value === undefined || value === "") return "-";
  return safe(typeof value === "string" ? value : JSON.stringify(value));
}

/** RFC 3339 in UTC; a time that no calendar has stays a number. */
export function time(ms: unknown): string {
  if (typeof ms !== "number" || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return cell(ms);
  return new Date(ms).toISOString();
}

/** Rows for a pipe are separated by tabs; for a person they are aligned under their names. */
export function table(
  names: readonly string[],
  rows: readonly (readonly unknown[])[],
  isTty: boolean,
): string {
  const cells = rows.map((row) => row.map(cell));
  if (!isTty) return cells.map((row) => `${row.join("\t")}\n`).join("");
  const all = [names.map((name) => name.toUpperCase()), ...cells];
  const widths = names.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => (column === row.length - 1 ? text : text.padEnd(widths[column] ?? 0)))
      .join("  ");
  return all.map((row) => `${line(row)}\n`).join("");
}

/** Names and values of one thing, one a line. */
export const pairs = (rows: readonly (readonly [name: string, value: unknown])[]): string =>
  rows.map(([name, value]) => `${name}\t${cell(value)}\n`).join("");

export const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
