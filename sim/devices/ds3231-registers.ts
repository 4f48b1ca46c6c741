/** Encodings of the DS3231 (Maxim 19-5170, figure 1): time of day in BCD, temperature in quarters of a degree. */

const DAY_MS = 86_400_000;
const TWELVE_HOUR = 0x40;
const PM = 0x20;
const CENTURY = 0x80;

const bcd = (n: number): number => (Math.floor(n / 10) << 4) | (n % 10);
const fromBcd = (byte: number): number => (byte >> 4) * 10 + (byte & 15);

/** 1 = Monday … 7 = Sunday of the day that `ms` after 1970-01-01 (a Thursday) lies in. */
export const isoWeekday = (ms: number): number => ((((Math.floor(ms / DAY_MS) + 3) % 7) + 7) % 7) + 1;

/** Writes the hours register: 0..23 h, or 1..12 h with AM/PM. */
function hours(hour: number, twelveHour: boolean): number {
  if (!twelveHour) return bcd(hour);
  return TWELVE_HOUR | (hour >= 12 ? PM : 0) | bcd(hour % 12 === 0 ? 12 : hour % 12);
}

/**
 * Registers 00..06: seconds, minutes, hours, weekday, date, month with the century bit, year.
 * @param ms milliseconds since 1970, years 2000..2199
 */
export function ds3231TimeRegisters(
  ms: number,
  options: { readonly weekday?: number; readonly twelveHour?: boolean } = {},
): Uint8Array {
  const at = new Date(ms);
  const year = at.getUTCFullYear() - 2000;
  return Uint8Array.of(
    bcd(at.getUTCSeconds()),
    bcd(at.getUTCMinutes()),
    hours(at.getUTCHours(), options.twelveHour ?? false),
    options.weekday ?? isoWeekday(ms),
    bcd(at.getUTCDate()),
    (year >= 100 ? CENTURY : 0) | bcd(at.getUTCMonth() + 1),
    bcd(((year % 100) + 100) % 100),
  );
}

export interface Ds3231Setting {
  /** Milliseconds since 1970 at the start of the second. Impossible dates carry into the next month. */
  readonly ms: number;
  readonly weekday: number;
  readonly twelveHour: boolean;
}

/** Reads registers 00..06 as somebody wrote them. */
export function readTimeRegisters(registers: Uint8Array): Ds3231Setting {
  const [second = 0, minute = 0, hour = 0, weekday = 0, date = 0, month = 0, year = 0] = registers;
  const twelveHour = (hour & TWELVE_HOUR) !== 0;
  const hourOfDay = twelveHour ? (fromBcd(hour & 0x1f) % 12) + (hour & PM ? 12 : 0) : fromBcd(hour & 0x3f);
  const fullYear = 2000 + fromBcd(year) + (month & CENTURY ? 100 : 0);
  const ms = Date.UTC(
    fullYear,
    fromBcd(month & 0x1f) - 1,
    fromBcd(date & 0x3f),
    hourOfDay,
    fromBcd(minute & 0x7f),
    fromBcd(second & 0x7f),
  );
  return { ms, weekday: weekday & 7, twelveHour };
}

/** Registers 11 and 12: two's complement, 0.25 °C in the upper two bits of the second. */
export function ds3231TemperatureRegisters(celsius: number): Uint8Array {
  const quarters = Math.max(-512, Math.min(511, Math.round(celsius * 4)));
  const word = (quarters << 6) & 0xffff;
  return Uint8Array.of(word >> 8, word & 0xff);
}
