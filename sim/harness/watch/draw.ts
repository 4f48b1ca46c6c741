/** Draws a view as lines of text that fit a terminal: the board on the left, what it does on the right. */
import type { Json } from "../../../firmware/core/json.ts";
import { clockText } from "../report-text.ts";
import type { PinView, WatchView } from "./view.ts";

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

const BOARD_COLUMNS = 57;
/** Narrower terminals show one below the other. */
const TWO_PANES = 108;
const LEVELS = { 0: "○", 1: "●", none: "·" } as const;

const mark = ({ level }: Pick<PinView, "level">): string => (level === null ? LEVELS.none : LEVELS[level]);
const arrow = { in: "→", out: "←" } as const;

/** Characters, not UTF-16 units: none of what is drawn is wider than one cell. */
export function fit(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return text + " ".repeat(width - characters.length);
  return `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

const label = ({ name, wired }: PinView): string =>
  wired === null || wired === name ? name : `${name} ${wired}`;
const direction = ({ direction: way }: PinView, side: "left" | "right"): string => {
  if (way === null) return " ";
  // A line that the board drives points away from it.
  const isLeftward = (way === "out") === (side === "left");
  return isLeftward ? arrow.out : arrow.in;
};

function boardLines(view: WatchView): readonly string[] {
  const rows: string[] = [
    `┌─ ${view.board} ${"─".repeat(Math.max(0, BOARD_COLUMNS - 6 - view.board.length))}─┐`,
  ];
  for (let pin = 1; pin < view.pins.length; pin += 2) {
    const [left, right] = [view.pins[pin - 1], view.pins[pin]];
    if (!left || !right) continue;
    const l = `${fit(label(left), 17).padStart(17)} ${direction(left, "left")} ${mark(left)} ${String(left.pin).padStart(2)}`;
    const r = `${String(right.pin).padStart(2)} ${mark(right)} ${direction(right, "right")} ${fit(label(right), 17)}`;
    rows.push(`│ ${l} │ ${r}   │`);
  }
  rows.push(`└${"─".repeat(BOARD_COLUMNS - 2)}┘`);
  return rows;
}

const number = (value: Json): string => {
  if (typeof value !== "number") return JSON.stringify(value);
  return Number.isInteger(value) ? String(value) : value.toFixed(3);
};

const ago = (view: WatchView, atUs: number | null): string =>
  atUs === null ? "never" : `${((view.atUs - atUs) / 1e6).toFixed(1)} s ago`;

const titled = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [`── ${title}`, ...lines];

/** Several short texts on one line, as many as fit. */
function packed(texts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const text of texts) {
    const last = lines.at(-1);
    if (last !== undefined && [...last].length + [...text].length + 3 <= width)
      lines[lines.length - 1] = `${last}   ${text}`;
    else lines.push(text);
  }
  return lines;
}

function stateLines(view: WatchView, width: number): readonly string[] {
  const { outputs, readings, buses, world, run, evidence, ledger } = view;
  const outputLines = outputs.map(({ name, value, safe, refusal }) => {
    const now = value === null ? "" : value === 1 ? "● ON " : "○ off";
    const refused = refusal === null ? "" : `  REFUSED ${refusal.reason} ${ago(view, refusal.atUs)}`;
    return `${fit(name, 16)} ${fit(now, 5)} safe ${number(safe)}${refused}`;
  });
  const readingLines = readings.map(({ input, value, unit, quality, atUs }) =>
    `${fit(input, 16)} ${number(value)} ${unit === null || unit === "1" ? "" : unit} ${quality ?? ""} ${ago(view, atUs)}`.replace(
      / +/g,
      " ",
    ),
  );
  const busLines = buses.map(
    ({ part, last, transfers, errors }) =>
      `${fit(part, 20)} ${transfers} transfers${errors > 0 ? `, ${errors} failed` : ""}  ${last ?? ""}`,
  );
  const runLine =
    run === null
      ? []
      : [
          `${run.program} ${run.state} ${ago(view, run.atUs)}: ${run.effects.join(", ") || "nothing to change"}`,
        ];
  const evidenceLines = evidence.map(
    ({ kind, source, id, value }) =>
      `${id.slice(0, 8)} ${fit(kind, 15)} ${source}${value === null ? "" : ` = ${number(value)}`}`,
  );
  const ledgerLines = ledger.last.map(({ index, kind, text }) => `#${index} ${fit(kind, 14)} ${text}`);
  return [
    ...titled("outputs", outputLines),
    ...titled("readings", readingLines),
    ...titled(
      "world",
      packed(
        world.map(({ name, value }) => `${name} ${number(value)}`),
        width,
      ),
    ),
    ...titled("buses", busLines),
    ...titled(run === null ? "run" : `last run, ${run.evidence} pieces of evidence`, [
      ...runLine,
      ...evidenceLines,
    ]),
    ...titled(`ledger, ${ledger.size} entries`, ledgerLines),
  ];
}

function headLines(view: WatchView, speed: number): readonly string[] {
  const { scenario, seed, atUs, endUs, device, devices, state, boots, policy, link } = view;
  const more = devices.length > 1 ? ` (1 of ${devices.length})` : "";
  const online = link === null ? "no daemon" : `${String(link.state)}, outbox ${String(link.outbox)}`;
  return [
    `SIMULATED  ${scenario}, seed ${seed}   ${clockText(Math.floor(atUs / 100_000) * 100_000).slice(0, -5)} of ${clockText(endUs).slice(0, -7)}   ×${speed}`,
    `${device}${more}   ${state}, boot ${boots}   policy ${policy}   ${online}${view.faults.length > 0 ? `   faults: ${view.faults.join(", ")}` : ""}`,
    ...view.violations.map((text) => `VIOLATION ${text}`),
  ];
}

const displayLines = ({ displays }: WatchView): readonly string[] =>
  displays.flatMap(({ part, lines }) => {
    const width = Math.max(...lines.map((line) => [...line].length));
    return [
      `── ${part}`,
      `┌${"─".repeat(width)}┐`,
      ...lines.map((line) => `│${fit(line, width)}│`),
      `└${"─".repeat(width)}┘`,
    ];
  });

/** At most `rows` lines, each exactly `columns` wide. */
export function drawView(view: WatchView, { columns, rows }: TerminalSize, speed: number): readonly string[] {
  const head = headLines(view, speed);
  const isWide = columns >= TWO_PANES;
  const rightWidth = isWide ? columns - BOARD_COLUMNS - 2 : columns;
  const board = boardLines(view);
  const state = [...stateLines(view, rightWidth), ...displayLines(view)];
  const body = isWide
    ? Array.from({ length: Math.max(board.length, state.length) }, (_, index) => {
        const left = fit(board[index] ?? "", BOARD_COLUMNS);
        return `${left}  ${state[index] ?? ""}`;
      })
    : [...state, ...(columns >= BOARD_COLUMNS ? board : [])];
  return [...head, ...body, "Ctrl-C ends and checks the invariants"]
    .slice(0, Math.max(1, rows))
    .map((line) => fit(line, columns));
}
