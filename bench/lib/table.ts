/** Plain text tables for people. */

export type Cell = string | number | null | undefined;

/** Three significant digits with k, M, G; small numbers as they are. */
export function short(value: Cell): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "string") return value;
  if (!Number.isFinite(value)) return String(value);
  for (const [unit, size] of [
    ["G", 1e9],
    ["M", 1e6],
    ["k", 1e3],
  ] as const) {
    if (Math.abs(value) >= size * 10 || (unit !== "k" && Math.abs(value) >= size)) {
      return `${Number((value / size).toPrecision(3))} ${unit}`;
    }
  }
  return String(Number(value.toPrecision(3)));
}

/** The first column to the left, all others to the right. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[]): string {
  const lines = [head, ...rows.map((row) => row.map(short))];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
  const print = (line: readonly string[]): string =>
    widths
      .map((width, column) => (line[column] ?? "")[column === 0 ? "padEnd" : "padStart"](width))
      .join("  ")
      .trimEnd();
  return [print(head), widths.map((width) => "─".repeat(width)).join("  "), ...lines.slice(1).map(print)]
    .join("\n")
    .concat("\n");
}
