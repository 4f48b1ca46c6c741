import { utf8 } from "../../firmware/core/bytes.ts";
import { serialByteUs } from "../board/bus-timing.ts";
import type { SerialTarget } from "./target.ts";

export interface GpsFix {
  readonly lat: number;
  readonly lon: number;
  readonly satellites: number;
  readonly hdop: number;
  readonly altitudeM: number;
}

/** A sentence with `$`, checksum (xor between `$` and `*`) and line end (NMEA 0183). */
export function nmeaSentence(body: string): string {
  let checksum = 0;
  for (let i = 0; i < body.length; i++) checksum ^= body.charCodeAt(i);
  return `$${body}*${checksum.toString(16).toUpperCase().padStart(2, "0")}\r\n`;
}

/** Degrees as `ddmm.mmmm` with its hemisphere; 60.0000 minutes carry into the degree. */
function angle(value: number, digits: number, positive: string, negative: string): string {
  const magnitude = Math.abs(value);
  let degrees = Math.floor(magnitude);
  let minutes = Math.round((magnitude - degrees) * 60 * 10_000);
  if (minutes >= 600_000) {
    degrees += 1;
    minutes -= 600_000;
  }
  const whole = String(Math.floor(minutes / 10_000)).padStart(2, "0");
  const fraction = String(minutes % 10_000).padStart(4, "0");
  return `${String(degrees).padStart(digits, "0")}${whole}.${fraction},${value < 0 ? negative : positive}`;
}

const position = (fix: GpsFix): string => `${angle(fix.lat, 2, "N", "S")},${angle(fix.lon, 3, "E", "W")}`;

/** GGA; position fields are empty without a fix. @param utc `hhmmss.ss` */
export function gga(utc: string, fix: GpsFix | null): string {
  if (!fix) return nmeaSentence(`GPGGA,${utc},,,,,0,00,,,M,,M,,`);
  const satellites = String(fix.satellites).padStart(2, "0");
  const tail = `${fix.hdop.toFixed(1)},${fix.altitudeM.toFixed(1)},M,,M,,`;
  return nmeaSentence(`GPGGA,${utc},${position(fix)},1,${satellites},${tail}`);
}

/** RMC. @param date `ddmmyy` */
export function rmc(utc: string, date: string, fix: GpsFix | null): string {
  if (!fix) return nmeaSentence(`GPRMC,${utc},V,,,,,,,${date},,`);
  return nmeaSentence(`GPRMC,${utc},A,${position(fix)},0.0,0.0,${date},,`);
}

const two = (n: number): string => String(n).padStart(2, "0");

/** `hhmmss.ss` and `ddmmyy` of a wall time. */
export function utcFields(wallMs: number): { readonly utc: string; readonly date: string } {
  const at = new Date(wallMs);
  const utc = `${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}.00`;
  const date = `${two(at.getUTCDate())}${two(at.getUTCMonth() + 1)}${two(at.getUTCFullYear() % 100)}`;
  return { utc, date };
}

export interface GpsModelOptions {
  readonly fixAt: (atUs: number) => GpsFix;
  /** Wall time at a board time. */
  readonly wallMsAt: (atUs: number) => number;
  /** Time to the first fix. */
  readonly coldStartUs: number;
}

/** A receiver that sends GGA and RMC once a second at 9600 baud. */
export class GpsModel implements SerialTarget {
  readonly baudRate = 9600;
  readonly #options: GpsModelOptions;

  constructor(options: GpsModelOptions) {
    this.#options = options;
  }

  sentBetween(fromUs: number, toUs: number): Uint8Array {
    const perByte = serialByteUs(this.baudRate, 10);
    const bytes: number[] = [];
    // A minute of backlog is far more than any receive buffer holds.
    const first = Math.max(0, Math.floor(fromUs / 1e6) - 1, Math.floor(toUs / 1e6) - 60);
    for (let second = first; second * 1e6 <= toUs; second++) {
      this.#burst(second).forEach((byte, i) => {
        const doneUs = second * 1e6 + (i + 1) * perByte;
        if (doneUs > fromUs && doneUs <= toUs) bytes.push(byte);
      });
    }
    return Uint8Array.from(bytes);
  }

  /** A plain receiver ignores what it does not understand. */
  received(): void {
    return;
  }

  #burst(second: number): Uint8Array {
    const atUs = second * 1e6;
    const { utc, date } = utcFields(this.#options.wallMsAt(atUs));
    const fix = atUs >= this.#options.coldStartUs ? this.#options.fixAt(atUs) : null;
    return utf8(gga(utc, fix) + rmc(utc, date, fix));
  }
}
