/** Words, checksums and limits of the SHT3x (Sensirion SHT3x-DIS, 4.12 and 4.13; application note "Alert Mode"). */

/** CRC-8 of the SHT3x: polynomial 31h, initial value FFh, no final xor. */
export function sht31Crc(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}

/** A 16-bit word, MSB first, with its checksum. */
export function sht31Word(value: number): readonly [number, number, number] {
  const bytes = [value >> 8, value & 0xff] as const;
  return [...bytes, sht31Crc(bytes)];
}

const code = (fraction: number): number => Math.max(0, Math.min(0xffff, Math.round(fraction * 65_535)));

/** Raw words and the six bytes the sensor sends for the quantities. */
export function sht31Frame(temperatureC: number, humidityPct: number) {
  const rawT = code((temperatureC + 45) / 175);
  const rawRH = code(humidityPct / 100);
  return { rawT, rawRH, frame: Uint8Array.of(...sht31Word(rawT), ...sht31Word(rawRH)) };
}

/** The four alert limits, each a word of 7 bits humidity and 9 bits temperature. */
export interface Sht31Limits {
  highSet: number;
  highClear: number;
  lowClear: number;
  lowSet: number;
}

/** After power-up: 80 % 60 °C, 79 % 58 °C, 22 % −9 °C, 20 % −10 °C. */
export const DEFAULT_LIMITS: Readonly<Sht31Limits> = {
  highSet: 0xcd33,
  highClear: 0xc92d,
  lowClear: 0x3869,
  lowSet: 0x3466,
};

export const TRACKING_ALERT_RH = 0x0800;
export const TRACKING_ALERT_T = 0x0400;

/** Status bits 11 and 10 after a measurement: set outside the set limits, cleared inside the clear limits. */
export function sht31Alerts(limits: Sht31Limits, rawT: number, rawRH: number, before: number): number {
  const track = (raw: number, part: (limit: number) => number, bit: number): number => {
    if (part(limits.lowSet) > part(limits.highSet)) return 0;
    if (raw > part(limits.highSet) || raw < part(limits.lowSet)) return bit;
    return raw < part(limits.highClear) && raw > part(limits.lowClear) ? 0 : before & bit;
  };
  return (
    track(rawRH, (limit) => limit & 0xfe00, TRACKING_ALERT_RH) |
    track(rawT, (limit) => (limit & 0x01ff) << 7, TRACKING_ALERT_T)
  );
}
