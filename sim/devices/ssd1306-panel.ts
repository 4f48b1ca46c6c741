/** What the registers of an SSD1306 make visible (Solomon Systech SSD1306 rev 1.1, chapters 8.7 and 10.1). */

export const COLUMNS = 128;
export const ROWS = 64;
export const PAGES = 8;

export interface Ssd1306Panel {
  /** One byte is eight pixels below each other, bit 0 on top; by page, then segment. */
  readonly ram: Uint8Array;
  readonly isLit: boolean;
  readonly inverse: boolean;
  /** Every pixel is on, whatever the RAM holds (A5h). */
  readonly allOn: boolean;
  readonly startLine: number;
  readonly offset: number;
  /** Rows minus one, 15..63. */
  readonly multiplex: number;
  /** Scans from COM[N−1] to COM0 (C8h). */
  readonly comRemap: boolean;
}

/**
 * Whether a pixel shines. `x` and `y` count from the upper left of the usual module, whose glass is mounted upside down:
 * SEG127 on the left and COM63 on top, which is why its drivers send A1h and C8h.
 */
export function ssd1306Pixel(panel: Ssd1306Panel, x: number, y: number): boolean {
  if (!panel.isLit) return false;
  const segment = COLUMNS - 1 - x;
  const com = ROWS - 1 - y;
  const scanned = panel.comRemap ? panel.multiplex - com : com;
  const row = (scanned + panel.offset + ROWS) % ROWS;
  if (row > panel.multiplex) return false;
  if (panel.allOn) return true;
  const line = (row + panel.startLine) % ROWS;
  const bit = ((panel.ram[(line >> 3) * COLUMNS + segment] ?? 0) >> (line & 7)) & 1;
  return (bit === 1) !== panel.inverse;
}

/** Upper and lower pixel of a cell as one character. */
const CELL = [" ", "▀", "▄", "█"] as const;

/** 32 lines of 128 characters, two pixels in each. */
export function ssd1306TextArt(panel: Ssd1306Panel): readonly string[] {
  return Array.from({ length: ROWS / 2 }, (_, line) =>
    Array.from({ length: COLUMNS }, (_, x) => {
      const upper = ssd1306Pixel(panel, x, 2 * line) ? 1 : 0;
      const lower = ssd1306Pixel(panel, x, 2 * line + 1) ? 2 : 0;
      return CELL[(upper | lower) as 0 | 1 | 2 | 3];
    }).join(""),
  );
}
