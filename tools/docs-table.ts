/** Rows of Markdown tables. */
export const code = (text: string): string => `\`${text}\``;

export const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The heading of a table with the line under it. */
export const head = (...cells: readonly string[]): string =>
  `${row(...cells)}\n|${" --- |".repeat(cells.length)}`;
