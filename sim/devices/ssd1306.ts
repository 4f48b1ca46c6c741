import type { Entropy } from "../../firmware/ports/entropy.ts";
import { COLUMNS, PAGES, type Ssd1306Panel, ssd1306Pixel, ssd1306TextArt } from "./ssd1306-panel.ts";
import type { I2cTarget } from "./target.ts";

const CONTINUATION = 0x80;
const DATA = 0x40;
const STATUS_OFF = 0x40;

/** Argument bytes of the commands that have any (SSD1306 rev 1.1, table 9-1). */
const ARGUMENTS: ReadonlyMap<number, number> = new Map([
  [0x20, 1],
  [0x21, 2],
  [0x22, 2],
  [0x26, 6],
  [0x27, 6],
  [0x29, 5],
  [0x2a, 5],
  [0x81, 1],
  [0x8d, 1],
  [0xa3, 2],
  [0xa8, 1],
  [0xd3, 1],
  [0xd5, 1],
  [0xd9, 1],
  [0xda, 1],
  [0xdb, 1],
]);

type AddressingMode = "horizontal" | "vertical" | "page";
const MODES: readonly AddressingMode[] = ["horizontal", "vertical", "page", "page"];

/** Registers after a reset (chapter 8.9 and table 9-1). */
const RESET = {
  mode: "page" as AddressingMode,
  columns: { first: 0, last: COLUMNS - 1 },
  pages: { first: 0, last: PAGES - 1 },
  column: 0,
  page: 0,
  contrast: 0x7f,
  startLine: 0,
  offset: 0,
  multiplex: 63,
  segmentRemap: false,
  comRemap: false,
  inverse: false,
  allOn: false,
  isOn: false,
  chargePump: false,
};

/**
 * SSD1306 OLED controller with a 128×64 panel fed by its charge pump. Scroll commands are taken, but the picture stands
 * still; clock, pre-charge, pin and voltage settings change nothing that can be seen here.
 */
export class Ssd1306Model implements I2cTarget {
  #ram: Uint8Array;
  #state = { ...RESET };
  /** A command that waits for the rest of its arguments, also across messages. */
  #pending: number[] = [];

  /** @param options.ram what the RAM holds at power-up, which nobody promises (1024 bytes; dark if not given) */
  constructor(options: { readonly ram?: Uint8Array } = {}) {
    this.#ram = new Uint8Array(COLUMNS * PAGES);
    this.#ram.set((options.ram ?? new Uint8Array(0)).subarray(0, this.#ram.length));
  }

  /** Control byte, then one byte (Co = 1) or all the rest (Co = 0), as commands or RAM data (chapter 8.1.5.2). */
  write(data: Uint8Array): boolean {
    let i = 0;
    while (i < data.length) {
      const control = data[i] ?? 0;
      const end = control & CONTINUATION ? Math.min(i + 2, data.length) : data.length;
      for (i += 1; i < end; i++) {
        if (control & DATA) this.#store(data[i] ?? 0);
        else this.#command(data[i] ?? 0);
      }
    }
    return true;
  }

  /** The status register: bit 6 tells that the display is off (table 9-2). */
  read(length: number): Uint8Array {
    return new Uint8Array(length).fill(this.#state.isOn ? 0 : STATUS_OFF);
  }

  powerCut(_nowUs: number, entropy: Entropy): void {
    this.#state = { ...RESET };
    this.#pending = [];
    this.#ram = Uint8Array.from(entropy.bytes(COLUMNS * PAGES));
  }

  get isOn(): boolean {
    return this.#state.isOn;
  }

  /** 0..255. */
  get contrast(): number {
    return this.#state.contrast;
  }

  /** The RAM, by page and segment. */
  ram(): Uint8Array {
    return Uint8Array.from(this.#ram);
  }

  /** Whether the pixel at column `x` from the left and row `y` from the top shines. */
  pixel(x: number, y: number): boolean {
    return ssd1306Pixel(this.#panel(), x, y);
  }

  /** The picture as 32 lines of 128 half-block characters. */
  textArt(): readonly string[] {
    return ssd1306TextArt(this.#panel());
  }

  #panel(): Ssd1306Panel {
    const { isOn, chargePump, inverse, allOn, startLine, offset, multiplex, comRemap } = this.#state;
    // Without the charge pump the panel has no voltage to shine with.
    const isLit = isOn && chargePump;
    return { ram: this.#ram, isLit, inverse, allOn, startLine, offset, multiplex, comRemap };
  }

  #command(byte: number): void {
    this.#pending.push(byte);
    const [command = 0, ...args] = this.#pending;
    if (args.length < (ARGUMENTS.get(command) ?? 0)) return;
    this.#pending = [];
    if (args.length > 0) this.#setting(command, args);
    else this.#plain(command);
  }

  #setting(command: number, [a = 0, b = 0]: readonly number[]): void {
    const state = this.#state;
    switch (command) {
      case 0x20:
        state.mode = MODES[a & 3] ?? "page";
        break;
      case 0x21:
        state.columns = { first: a & 0x7f, last: b & 0x7f };
        state.column = state.columns.first;
        break;
      case 0x22:
        state.pages = { first: a & 7, last: b & 7 };
        state.page = state.pages.first;
        break;
      case 0x81:
        state.contrast = a;
        break;
      case 0x8d:
        state.chargePump = (a & 0x04) !== 0;
        break;
      case 0xa8:
        // 0..14 are invalid entries.
        if ((a & 0x3f) >= 15) state.multiplex = a & 0x3f;
        break;
      case 0xd3:
        state.offset = a & 0x3f;
        break;
    }
  }

  #plain(command: number): void {
    const state = this.#state;
    if (command >= 0x40 && command <= 0x7f) state.startLine = command & 0x3f;
    else if ((command & 0xfe) === 0xa0) state.segmentRemap = (command & 1) === 1;
    else if ((command & 0xfe) === 0xa4) state.allOn = (command & 1) === 1;
    else if ((command & 0xfe) === 0xa6) state.inverse = (command & 1) === 1;
    else if ((command & 0xfe) === 0xae) state.isOn = (command & 1) === 1;
    else if ((command & 0xf0) === 0xc0) state.comRemap = (command & 8) !== 0;
    else if (state.mode === "page") this.#pageAddress(command);
  }

  /** Pointers of the page addressing mode; the other modes ignore these commands. */
  #pageAddress(command: number): void {
    const state = this.#state;
    if (command <= 0x0f) state.column = (state.column & 0x70) | command;
    else if (command <= 0x1f) state.column = (state.column & 0x0f) | ((command & 7) << 4);
    else if ((command & 0xf8) === 0xb0) state.page = command & 7;
  }

  #store(byte: number): void {
    const { page, column, segmentRemap } = this.#state;
    // The remap changes where new data goes; what is stored stays (chapter 10.1.8).
    const segment = segmentRemap ? COLUMNS - 1 - column : column;
    this.#ram[page * COLUMNS + segment] = byte;
    this.#step();
  }

  /** Moves the pointers after a byte of data (chapter 10.1.3). */
  #step(): void {
    const state = this.#state;
    const { first, last } = state.columns;
    if (state.mode === "page") {
      state.column = (state.column + 1) % COLUMNS;
    } else if (state.mode === "horizontal") {
      const wraps = state.column === last;
      state.column = wraps ? first : (state.column + 1) % COLUMNS;
      if (wraps) this.#stepPage();
    } else {
      const wraps = state.page === state.pages.last;
      this.#stepPage();
      if (wraps) state.column = state.column === last ? first : (state.column + 1) % COLUMNS;
    }
  }

  #stepPage(): void {
    const { page, pages } = this.#state;
    this.#state.page = page === pages.last ? pages.first : (page + 1) % PAGES;
  }
}
