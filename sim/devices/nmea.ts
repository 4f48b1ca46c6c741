export interface GpsFix {
  readonly lat: number;
  readonly lon: number;
  readonly satellites: number;
  readonly hdop: number;
  readonly altitudeM: number;
  /** Speed over ground; default 0. */
  readonly speedKnots?: number;
  /** Course over ground from true north; default 0. */
  readonly courseDeg?: number;
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

/** GGA; position fields are empty without a fix. @param utc `hhmmss.ss`, empty while the time is unknown */
export function gga(utc: string, fix: GpsFix | null): string {
  if (!fix) return nmeaSentence(`GPGGA,${utc},,,,,0,00,,,M,,M,,`);
  const satellites = String(fix.satellites).padStart(2, "0");
  const tail = `${fix.hdop.toFixed(1)},${fix.altitudeM.toFixed(1)},M,,M,,`;
  return nmeaSentence(`GPGGA,${utc},${position(fix)},1,${satellites},${tail}`);
}

/** RMC. @param date `ddmmyy`, empty while it is unknown */
export function rmc(utc: string, date: string, fix: GpsFix | null): string {
  if (!fix) return nmeaSentence(`GPRMC,${utc},V,,,,,,,${date},,`);
  const motion = `${(fix.speedKnots ?? 0).toFixed(1)},${(fix.courseDeg ?? 0).toFixed(1)}`;
  return nmeaSentence(`GPRMC,${utc},A,${position(fix)},${motion},${date},,`);
}

const two = (n: number): string => String(n).padStart(2, "0");

/** `hhmmss.ss` and `ddmmyy` of a wall time. */
export function utcFields(wallMs: number): { readonly utc: string; readonly date: string } {
  const at = new Date(wallMs);
  const utc = `${two(at.getUTCHours())}${two(at.getUTCMinutes())}${two(at.getUTCSeconds())}.00`;
  const date = `${two(at.getUTCDate())}${two(at.getUTCMonth() + 1)}${two(at.getUTCFullYear() % 100)}`;
  return { utc, date };
}
