/** Execution times at 270 kHz (Hitachi HD44780U, table 6). */
const INSTRUCTION_US = 37;
const LONG_INSTRUCTION_US = 1520;
const DATA_US = 41;
/** Nothing is promised before 15 ms of supply (figures 23 and 24). */
const POWER_ON_US = 15_000;

const VISIBLE_COLUMNS = 16;
const LINE_LENGTH = 40;
const SECOND_LINE = 0x40;
const SPACE = 0x20;
const BLANK_LINE = " ".repeat(VISIBLE_COLUMNS);

/** Where the character ROM A00 departs from ASCII; user characters and kana show as a box. */
const GLYPHS: ReadonlyMap<number, string> = new Map([
  [0x5c, "¥"],
  [0x7e, "→"],
  [0x7f, "←"],
  [0xdf, "°"],
  [0xe0, "α"],
  [0xe2, "β"],
  [0xe4, "µ"],
  [0xf4, "Ω"],
  [0xf7, "π"],
  [0xff, "█"],
]);

function glyph(code: number): string {
  return GLYPHS.get(code) ?? (code >= 0x20 && code < 0x7e ? String.fromCharCode(code) : "▯");
}

/**
 * HD44780 character display controller with 16×2 characters, on the upper four data lines. User characters (CGRAM) are
 * not drawn. An instruction that arrives while the controller is busy is lost and counted.
 */
export class Hd44780 {
  readonly #ddram = new Uint8Array(2 * LINE_LENGTH);
  #busyUntilUs = 0;
  #address = 0;
  #inCgram = false;
  #increment = true;
  #shiftOnWrite = false;
  #isOn = false;
  #twoLines = false;
  #shift = 0;
  #eightBit = true;
  /** The upper nibble that came first, in 4-bit mode. */
  #upper: number | null = null;
  #readsLower = false;
  #lost = 0;

  constructor(bootUs: number) {
    this.reset(bootUs);
  }

  /** The internal reset at power-on (table "Reset Function"): 8 bits, 1 line, display off, cleared, incrementing. */
  reset(nowUs: number): void {
    this.#ddram.fill(SPACE);
    this.#busyUntilUs = nowUs + POWER_ON_US;
    this.#address = 0;
    this.#inCgram = false;
    this.#increment = true;
    this.#shiftOnWrite = false;
    this.#isOn = false;
    this.#twoLines = false;
    this.#shift = 0;
    this.#eightBit = true;
    this.#upper = null;
    this.#readsLower = false;
  }

  /** Instructions and data that came while the controller was busy. */
  get lost(): number {
    return this.#lost;
  }

  get isOn(): boolean {
    return this.#isOn;
  }

  /** What one sees: two lines of 16 characters. */
  lines(): readonly [string, string] {
    if (!this.#isOn) return [BLANK_LINE, BLANK_LINE];
    return [this.#line(0), this.#twoLines ? this.#line(1) : BLANK_LINE];
  }

  /** The falling edge of E in a write: takes DB7..DB4. */
  writeNibble(isData: boolean, nibble: number, atUs: number): void {
    if (this.#eightBit) {
      this.#take(isData, nibble << 4, atUs);
    } else if (this.#upper === null) {
      this.#upper = nibble;
    } else {
      const byte = (this.#upper << 4) | nibble;
      this.#upper = null;
      this.#take(isData, byte, atUs);
    }
  }

  /** What the controller drives on DB7..DB4 while E is high in a read: busy flag and address, or data. */
  drivenNibble(isData: boolean, atUs: number): number {
    const byte = isData ? this.#data() : (atUs < this.#busyUntilUs ? 0x80 : 0) | this.#address;
    return this.#readsLower ? byte & 15 : byte >> 4;
  }

  /** The falling edge of E in a read. */
  endRead(isData: boolean): void {
    const finished = this.#eightBit || this.#readsLower;
    this.#readsLower = !finished;
    if (finished && isData) this.#stepAddress(this.#increment);
  }

  #take(isData: boolean, byte: number, atUs: number): void {
    if (atUs < this.#busyUntilUs) {
      this.#lost++;
      return;
    }
    this.#busyUntilUs = atUs + (isData ? DATA_US : byte < 0x04 ? LONG_INSTRUCTION_US : INSTRUCTION_US);
    if (isData) this.#writeData(byte);
    else this.#instruct(byte);
  }

  /** The highest set bit names the instruction (table 6). */
  #instruct(byte: number): void {
    if (byte & 0x80) {
      this.#address = byte & 0x7f;
      this.#inCgram = false;
    } else if (byte & 0x40) {
      this.#address = byte & 0x3f;
      this.#inCgram = true;
    } else if (byte & 0x20) {
      this.#functionSet(byte);
    } else if (byte & 0x10) {
      const right = (byte & 0x04) !== 0;
      if (byte & 0x08) this.#shiftDisplay(right);
      else this.#stepAddress(right);
    } else if (byte & 0x08) {
      this.#isOn = (byte & 0x04) !== 0;
    } else if (byte & 0x04) {
      this.#increment = (byte & 0x02) !== 0;
      this.#shiftOnWrite = (byte & 0x01) !== 0;
    } else if (byte !== 0) {
      this.#home();
      if (byte === 0x01) {
        this.#ddram.fill(SPACE);
        this.#increment = true;
      }
    }
  }

  #functionSet(byte: number): void {
    this.#eightBit = (byte & 0x10) !== 0;
    this.#twoLines = (byte & 0x08) !== 0;
    this.#upper = null;
  }

  #home(): void {
    this.#address = 0;
    this.#inCgram = false;
    this.#shift = 0;
  }

  #writeData(byte: number): void {
    const cell = this.#cell();
    if (cell !== null) this.#ddram[cell] = byte;
    const shifts = this.#shiftOnWrite && !this.#inCgram;
    this.#stepAddress(this.#increment);
    if (shifts) this.#shiftDisplay(!this.#increment);
  }

  #data(): number {
    const cell = this.#cell();
    return cell === null ? 0 : (this.#ddram[cell] ?? SPACE);
  }

  /** The DDRAM cell of the address counter; null in CGRAM and where no memory is. */
  #cell(): number | null {
    if (this.#inCgram) return null;
    if (!this.#twoLines) return this.#address < 2 * LINE_LENGTH ? this.#address : null;
    const column = this.#address & 0x3f;
    if (column >= LINE_LENGTH) return null;
    return (this.#address >= SECOND_LINE ? LINE_LENGTH : 0) + column;
  }

  #stepAddress(forward: boolean): void {
    if (this.#inCgram) {
      this.#address = (this.#address + (forward ? 1 : 63)) & 0x3f;
      return;
    }
    const cells = 2 * LINE_LENGTH;
    const cell = this.#cell() ?? 0;
    const next = (cell + (forward ? 1 : cells - 1)) % cells;
    const inSecond = this.#twoLines && next >= LINE_LENGTH;
    this.#address = inSecond ? SECOND_LINE + next - LINE_LENGTH : next;
  }

  #shiftDisplay(right: boolean): void {
    const length = this.#lineLength();
    this.#shift = (this.#shift + (right ? length - 1 : 1)) % length;
  }

  #lineLength(): number {
    return this.#twoLines ? LINE_LENGTH : 2 * LINE_LENGTH;
  }

  #line(row: 0 | 1): string {
    const length = this.#lineLength();
    let text = "";
    for (let column = 0; column < VISIBLE_COLUMNS; column++) {
      const cell = row * LINE_LENGTH + ((column + this.#shift) % length);
      text += glyph(this.#ddram[cell] ?? SPACE);
    }
    return text;
  }
}
