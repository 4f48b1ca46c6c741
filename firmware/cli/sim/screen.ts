/** A terminal that is drawn on again and again: the other screen, no cursor, each frame in one piece. */
import type { TerminalSize } from "../../../sim/harness/watch/draw.ts";
import type { Io } from "../io.ts";

const ENTER = "\u001b[?1049h\u001b[?25l";
const LEAVE = "\u001b[?25h\u001b[?1049l";
const HOME = "\u001b[H";
const ERASE_REST = "\u001b[J";
const ERASE_LINE = "\u001b[K";
/** Terminals that know these show a frame when it is complete; the others ignore them. */
const BEGIN_FRAME = "\u001b[?2026h";
const END_FRAME = "\u001b[?2026l";

const DEFAULT_SIZE: TerminalSize = { columns: 80, rows: 24 };

export class Screen implements Disposable {
  readonly #io: Io;

  constructor(io: Io) {
    this.#io = io;
    io.out(ENTER);
  }

  /** Asked for each frame: people change it at any time. */
  get size(): TerminalSize {
    const { columns, rows } = process.stdout;
    return { columns: columns || DEFAULT_SIZE.columns, rows: rows || DEFAULT_SIZE.rows };
  }

  draw(lines: readonly string[]): void {
    // No line end after the last one: it would scroll a full screen.
    this.#io.out(
      `${BEGIN_FRAME}${HOME}${lines.join(`${ERASE_LINE}\r\n`)}${ERASE_LINE}${ERASE_REST}${END_FRAME}`,
    );
  }

  [Symbol.dispose](): void {
    this.#io.out(LEAVE);
  }
}
