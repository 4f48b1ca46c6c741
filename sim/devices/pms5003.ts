import { serialByteUs } from "../board/bus-timing.ts";
import { SerialOutbox } from "./serial-outbox.ts";
import type { SerialTarget } from "./target.ts";

const BAUD = 9600;
const CHARACTER_US = serialByteUs(BAUD, 10);
const PERIOD_US = 1_000_000;
/** The fan needs 30 s after power-up or waking before values are stable (PMS5003 data manual V2.3, "Circuit attentions"). */
const SETTLE_US = 30_000_000;

const MAX_BACKLOG_FRAMES = 128;

const START = [0x42, 0x4d] as const;
const FRAME_WORDS = 13;
const COMMAND_BYTES = 7;
const READ = 0xe2;
const SET_MODE = 0xe1;
const SET_SLEEP = 0xe4;

/** Mass concentrations in µg/m³ of particles up to 1, 2.5 and 10 µm. */
export interface ParticulateMatter {
  readonly pm1: number;
  readonly pm25: number;
  readonly pm10: number;
  /** Particles in 0.1 l beyond 0.3, 0.5, 1, 2.5, 5 and 10 µm; default 0. */
  readonly counts?: readonly number[];
}

const sum = (bytes: readonly number[]): number => bytes.reduce((total, byte) => total + byte, 0);

/**
 * A frame of 32 bytes: 42h 4Dh, length 28, 13 words, and the sum of the 30 bytes before (PMS5003 data manual V2.3,
 * appendix I). The concentrations for standard particles (words 1 to 3) and in the atmosphere (4 to 6) are the same.
 */
export function pms5003Frame(matter: ParticulateMatter): Uint8Array {
  const masses = [matter.pm1, matter.pm25, matter.pm10];
  const words = [...masses, ...masses, ...(matter.counts ?? [])];
  const bytes: number[] = [...START, 0, FRAME_WORDS * 2 + 2];
  for (let i = 0; i < FRAME_WORDS; i++) {
    const word = Math.max(0, Math.min(0xffff, Math.round(words[i] ?? 0)));
    bytes.push(word >> 8, word & 0xff);
  }
  const check = sum(bytes);
  return Uint8Array.of(...bytes, check >> 8, check & 0xff);
}

export interface Pms5003Options {
  readonly matter: (atUs: number) => ParticulateMatter;
  /** How long values rise from zero to the truth after power-up and waking; default 30 s. */
  readonly settleUs?: number;
}

/**
 * Particle sensor on serial 9600: one frame a second in active mode (after power-up), one for each request in passive
 * mode, none asleep. Commands are 42h 4Dh, command, two data bytes, sum (appendix II); others are passed over.
 */
export class Pms5003Model implements SerialTarget {
  readonly baudRate = BAUD;
  readonly #options: Pms5003Options;
  readonly #settleUs: number;
  readonly #outbox = new SerialOutbox(CHARACTER_US);
  #command: number[] = [];
  #mode: "active" | "passive" = "active";
  /** When the fan started; null asleep and without power. */
  #awakeUs: number | null = 0;
  #hasPower = true;
  #nextUs = PERIOD_US;

  constructor(options: Pms5003Options) {
    this.#options = options;
    this.#settleUs = options.settleUs ?? SETTLE_US;
  }

  sentBetween(fromUs: number, toUs: number): Uint8Array {
    this.#advanceTo(toUs);
    return Uint8Array.from(this.#outbox.between(fromUs, toUs), (byte) => byte.value);
  }

  nextSentUs(afterUs: number): number | null {
    this.#advanceTo(afterUs);
    const ownUs = this.#speaks ? this.#nextUs + CHARACTER_US : null;
    return this.#outbox.nextUs(afterUs) ?? ownUs;
  }

  received(data: Uint8Array, nowUs: number): void {
    if (!this.#hasPower) return;
    this.#advanceTo(nowUs);
    for (const byte of data) {
      this.#command.push(byte);
      this.#resynchronise();
      if (this.#command.length === COMMAND_BYTES) this.#obey(this.#command.splice(0), nowUs);
    }
  }

  powerCut(nowUs: number): void {
    this.#advanceTo(nowUs);
    this.#outbox.cut(nowUs);
    this.#command = [];
    this.#hasPower = false;
    this.#awakeUs = null;
  }

  powerOn(nowUs: number): void {
    this.#hasPower = true;
    this.#mode = "active";
    this.#wake(nowUs);
  }

  /** True if it sends by itself. */
  get #speaks(): boolean {
    return this.#awakeUs !== null && this.#mode === "active";
  }

  /** Sends the frames due until `nowUs`, without computing those that no receive buffer could still hold. */
  #advanceTo(nowUs: number): void {
    if (!this.#speaks) return;
    const lost = Math.floor((nowUs - this.#nextUs) / PERIOD_US) - MAX_BACKLOG_FRAMES;
    if (lost > 0) this.#nextUs += lost * PERIOD_US;
    for (; this.#nextUs <= nowUs; this.#nextUs += PERIOD_US) this.#send(this.#nextUs);
  }

  #send(atUs: number): void {
    const share = this.#settleUs === 0 ? 1 : Math.min(1, (atUs - (this.#awakeUs ?? atUs)) / this.#settleUs);
    const { pm1, pm25, pm10, counts = [] } = this.#options.matter(atUs);
    const settled = { pm1: pm1 * share, pm25: pm25 * share, pm10: pm10 * share };
    this.#outbox.send(atUs, pms5003Frame({ ...settled, counts: counts.map((count) => count * share) }));
  }

  /** Drops bytes until what is left may begin a command with a right sum. */
  #resynchronise(): void {
    const command = this.#command;
    const fits = (): boolean => {
      if (command.some((byte, i) => i < START.length && byte !== START[i])) return false;
      if (command.length < COMMAND_BYTES) return true;
      const check = ((command[5] ?? 0) << 8) | (command[6] ?? 0);
      return check === sum(command.slice(0, COMMAND_BYTES - 2));
    };
    while (command.length > 0 && !fits()) command.shift();
  }

  #obey(command: readonly number[], nowUs: number): void {
    const [, , code, , data] = command;
    if (code === SET_SLEEP) this.#sleep(data === 0, nowUs);
    if (this.#awakeUs === null) return;
    if (code === SET_MODE) {
      this.#mode = data === 0 ? "passive" : "active";
      this.#nextUs = nowUs + PERIOD_US;
    }
    if (code === READ && this.#mode === "passive") this.#send(nowUs);
  }

  #sleep(asleep: boolean, nowUs: number): void {
    if (!asleep) {
      if (this.#awakeUs === null) this.#wake(nowUs);
      return;
    }
    this.#outbox.cut(nowUs);
    this.#awakeUs = null;
  }

  #wake(nowUs: number): void {
    this.#awakeUs = nowUs;
    this.#nextUs = nowUs + PERIOD_US;
  }
}
