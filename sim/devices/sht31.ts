import type { I2cTarget } from "./target.ts";

/** Single shot without clock stretching: command and longest time in µs (Sensirion SHT3x-DIS, table 4 and 8). */
const SINGLE_SHOT: ReadonlyMap<number, number> = new Map([
  [0x2400, 15_000],
  [0x240b, 6_000],
  [0x2416, 4_000],
]);
const READ_STATUS = 0xf32d;
const CLEAR_STATUS = 0x3041;
const SOFT_RESET = 0x30a2;
const HEATER_ON = 0x306d;
const HEATER_OFF = 0x3066;
const STATUS_AFTER_RESET = 0x8010;
const HEATER_BIT = 0x2000;
const HEATER_C = 3;
const RESET_US = 1500;

/** CRC-8 of the SHT3x: polynomial 31h, initial value FFh, no final xor. */
export function sht31Crc(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

const code = (fraction: number): number => Math.max(0, Math.min(0xffff, Math.round(fraction * 65_535)));

/** Raw words and the six bytes the sensor sends for the quantities. */
export function sht31Frame(temperatureC: number, humidityPct: number) {
  const rawT = code((temperatureC + 45) / 175);
  const rawRH = code(humidityPct / 100);
  return { rawT, rawRH, frame: Uint8Array.of(...word(rawT), ...word(rawRH)) };
}

function word(value: number): [number, number, number] {
  const bytes: [number, number] = [value >> 8, value & 0xff];
  return [...bytes, sht31Crc(bytes)];
}

/**
 * SHT31 in single-shot mode without clock stretching, with status, heater and reset. Periodic and stretching commands
 * are not acknowledged.
 */
export class Sht31Model implements I2cTarget {
  readonly #sample: (atUs: number) => { readonly temperatureC: number; readonly humidityPct: number };
  #status = STATUS_AFTER_RESET;
  #readyUs = 0;
  #answer: Uint8Array | null = null;

  constructor(options: {
    readonly sample: (atUs: number) => { readonly temperatureC: number; readonly humidityPct: number };
  }) {
    this.#sample = options.sample;
  }

  write(data: Uint8Array, nowUs: number): boolean {
    if (data.length !== 2 || nowUs < this.#readyUs) return false;
    const command = ((data[0] ?? 0) << 8) | (data[1] ?? 0);
    const conversionUs = SINGLE_SHOT.get(command);
    if (conversionUs !== undefined) {
      const { temperatureC, humidityPct } = this.#sample(nowUs);
      const heat = this.#status & HEATER_BIT ? HEATER_C : 0;
      this.#answer = sht31Frame(temperatureC + heat, humidityPct).frame;
      this.#readyUs = nowUs + conversionUs;
      return true;
    }
    return this.#control(command, nowUs);
  }

  /** Too early, or nothing to read: not acknowledged. A result is read once. */
  read(length: number, nowUs: number): Uint8Array | null {
    const answer = this.#answer;
    if (!answer || nowUs < this.#readyUs) return null;
    this.#answer = null;
    const out = new Uint8Array(length).fill(0xff);
    out.set(answer.subarray(0, length));
    return out;
  }

  #control(command: number, nowUs: number): boolean {
    switch (command) {
      case READ_STATUS:
        this.#answer = Uint8Array.of(...word(this.#status));
        return true;
      case CLEAR_STATUS:
        this.#status &= HEATER_BIT;
        return true;
      case HEATER_ON:
        this.#status |= HEATER_BIT;
        return true;
      case HEATER_OFF:
        this.#status &= ~HEATER_BIT;
        return true;
      case SOFT_RESET:
        this.#status = STATUS_AFTER_RESET;
        this.#answer = null;
        this.#readyUs = nowUs + RESET_US;
        return true;
      default:
        return false;
    }
  }
}
