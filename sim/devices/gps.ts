import { utf8 } from "../../firmware/core/bytes.ts";
import { serialByteUs } from "../board/bus-timing.ts";
import { type GpsFix, gga, rmc, utcFields } from "./nmea.ts";
import type { SerialTarget } from "./target.ts";

const SECOND_US = 1_000_000;
const COLD_START_US = 30_000_000;
/** More than any receive buffer holds. */
const MAX_BACKLOG_S = 60;
const KEPT_BURSTS = 4;

export interface GpsModelOptions {
  /** Null where the sky is hidden. */
  readonly fixAt: (atUs: number) => GpsFix | null;
  /** Wall time at a board time. */
  readonly wallMsAt: (atUs: number) => number;
  /** Time from power-up to the first fix; default 30 s. */
  readonly coldStartUs?: number;
  /** Default 9600. */
  readonly baudRate?: number;
}

/**
 * A receiver that sends GGA and RMC once a second, at 9600 baud by default. Until the first fix after power-up it knows neither
 * place nor time; when it loses the fix later, it keeps the time.
 */
export class GpsModel implements SerialTarget {
  readonly baudRate: number;
  readonly #options: GpsModelOptions;
  readonly #characterUs: number;
  readonly #coldStartUs: number;
  readonly #bursts = new Map<number, Uint8Array>();
  #poweredUs = 0;
  /** Null while it has power. */
  #cutUs: number | null = null;

  constructor(options: GpsModelOptions) {
    this.#options = options;
    this.baudRate = options.baudRate ?? 9600;
    this.#characterUs = serialByteUs(this.baudRate, 10);
    this.#coldStartUs = options.coldStartUs ?? COLD_START_US;
  }

  sentBetween(fromUs: number, toUs: number): Uint8Array {
    const endUs = Math.min(toUs, this.#cutUs ?? toUs);
    const bytes: number[] = [];
    const backlog = Math.floor(endUs / SECOND_US) - MAX_BACKLOG_S;
    const first = Math.max(this.#firstSecond, Math.floor(fromUs / SECOND_US) - 1, backlog);
    for (let second = first; second * SECOND_US <= endUs; second++) {
      this.#burst(second * SECOND_US).forEach((byte, i) => {
        const doneUs = second * SECOND_US + (i + 1) * this.#characterUs;
        if (doneUs > fromUs && doneUs <= endUs) bytes.push(byte);
      });
    }
    return Uint8Array.from(bytes);
  }

  nextSentUs(afterUs: number): number | null {
    if (this.#cutUs !== null) return null;
    const second = Math.max(this.#firstSecond, Math.floor(afterUs / SECOND_US));
    const startUs = second * SECOND_US;
    const sent = Math.max(0, Math.floor((afterUs - startUs) / this.#characterUs));
    const inBurst = sent < this.#burst(startUs).length;
    return inBurst ? startUs + (sent + 1) * this.#characterUs : startUs + SECOND_US + this.#characterUs;
  }

  /** A plain receiver ignores what it does not understand. */
  received(): void {
    return;
  }

  powerCut(nowUs: number): void {
    this.#cutUs = nowUs;
  }

  /** The start is cold: it keeps no almanac. */
  powerOn(nowUs: number): void {
    this.#cutUs = null;
    this.#poweredUs = nowUs;
    this.#bursts.clear();
  }

  get #firstSecond(): number {
    return Math.ceil(this.#poweredUs / SECOND_US);
  }

  /** The sentences of a second, which are composed once however often they are looked at. */
  #burst(atUs: number): Uint8Array {
    const known = this.#bursts.get(atUs);
    if (known) return known;
    const burst = this.#compose(atUs);
    this.#bursts.set(atUs, burst);
    for (const old of this.#bursts.keys()) {
      if (this.#bursts.size <= KEPT_BURSTS) break;
      this.#bursts.delete(old);
    }
    return burst;
  }

  #compose(atUs: number): Uint8Array {
    const firstFixUs = this.#poweredUs + this.#coldStartUs;
    if (atUs < firstFixUs) return utf8(gga("", null) + rmc("", "", null));
    const { utc, date } = utcFields(this.#options.wallMsAt(atUs));
    const fix = this.#options.fixAt(atUs);
    return utf8(gga(utc, fix) + rmc(utc, date, fix));
  }
}
