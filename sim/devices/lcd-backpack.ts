import { Hd44780 } from "./hd44780.ts";
import type { I2cTarget } from "./target.ts";

/** Wiring of the usual backpack: P0 RS, P1 R/W, P2 E, P3 backlight, P4..P7 DB4..DB7. */
const RS = 0x01;
const READ = 0x02;
const ENABLE = 0x04;
const BACKLIGHT = 0x08;
/** All ports are high after power-on (NXP PCF8574, 8.1). */
const PORT_RESET = 0xff;
const BITS_PER_BYTE = 9;

export interface LcdBackpackOptions {
  readonly bootUs?: number;
  /** Bus clock: the port changes at the acknowledge of each byte. 100 kHz if not given. */
  readonly busHz?: number;
}

/** HD44780 16×2 character display behind a PCF8574 port expander (usual address 27h). */
export class LcdBackpackModel implements I2cTarget {
  readonly #lcd: Hd44780;
  readonly #byteUs: number;
  #port = PORT_RESET;
  #powered = true;

  constructor(options: LcdBackpackOptions = {}) {
    this.#lcd = new Hd44780(options.bootUs ?? 0);
    this.#byteUs = (BITS_PER_BYTE * 1e6) / (options.busHz ?? 100_000);
  }

  write(data: Uint8Array, nowUs: number): boolean {
    data.forEach((byte, i) => {
      this.#drive(byte, nowUs - (data.length - 1 - i) * this.#byteUs);
    });
    return true;
  }

  /** The levels of the port: what the latch does not hold low, the display may. */
  read(length: number, nowUs: number): Uint8Array {
    const drives = (this.#port & (READ | ENABLE)) === (READ | ENABLE);
    const levels = drives ? (this.#lcd.drivenNibble((this.#port & RS) !== 0, nowUs) << 4) | 0x0f : PORT_RESET;
    return new Uint8Array(length).fill(this.#port & levels);
  }

  powerCut(nowUs: number): void {
    this.#powered = false;
    this.#port = PORT_RESET;
    this.#lcd.reset(nowUs);
  }

  powerOn(nowUs: number): void {
    this.#powered = true;
    this.#lcd.reset(nowUs);
  }

  get backlight(): boolean {
    return this.#powered && (this.#port & BACKLIGHT) !== 0;
  }

  /** Instructions that came while the controller was busy, and had no effect. */
  get lost(): number {
    return this.#lcd.lost;
  }

  /** Two lines of 16 characters. */
  lines(): readonly [string, string] {
    return this.#lcd.lines();
  }

  /** E falls: the controller takes what stood on the lines while it was high. */
  #drive(next: number, atUs: number): void {
    const before = this.#port;
    this.#port = next;
    if ((before & ENABLE) === 0 || (next & ENABLE) !== 0) return;
    const isData = (before & RS) !== 0;
    if (before & READ) this.#lcd.endRead(isData);
    else this.#lcd.writeNibble(isData, before >> 4, atUs);
  }
}
