/** Trimming words of one chip, in the order of the data sheet (Bosch BST-BME280-DS002, table 16). */
export interface Bme280Trim {
  readonly t1: number;
  readonly t2: number;
  readonly t3: number;
  /** dig_P1 … dig_P9. */
  readonly p: readonly number[];
  readonly h1: number;
  readonly h2: number;
  readonly h3: number;
  readonly h4: number;
  readonly h5: number;
  readonly h6: number;
}

/**
 * Reads the trimming words.
 * @param low registers 88..A1 (26 bytes)  @param high registers E1..E7 (7 bytes)
 */
export function readTrim(low: Uint8Array, high: Uint8Array): Bme280Trim {
  const a = new DataView(low.buffer, low.byteOffset, low.byteLength);
  const b = new DataView(high.buffer, high.byteOffset, high.byteLength);
  const p = [a.getUint16(6, true)];
  for (let offset = 8; offset <= 22; offset += 2) p.push(a.getInt16(offset, true));
  return {
    t1: a.getUint16(0, true),
    t2: a.getInt16(2, true),
    t3: a.getInt16(4, true),
    p,
    h1: a.getUint8(25),
    h2: b.getInt16(0, true),
    h3: b.getUint8(2),
    h4: (b.getInt8(3) << 4) | (b.getUint8(4) & 0x0f),
    h5: (b.getInt8(5) << 4) | (b.getUint8(4) >> 4),
    h6: b.getInt8(6),
  };
}

/** t_fine of data sheet 4.2.3, 32-bit integers. */
export function compensateFine(trim: Bme280Trim, adcT: number): number {
  const a = (((adcT >> 3) - (trim.t1 << 1)) * trim.t2) >> 11;
  const delta = (adcT >> 4) - trim.t1;
  const b = (((delta * delta) >> 12) * trim.t3) >> 14;
  return a + b;
}

/** Degrees Celsius with the chip's resolution of 0.01. */
export const compensateTemperature = (tFine: number): number => ((tFine * 5 + 128) >> 8) / 100;

/** Pascal, from the 64-bit formula (Q24.8); 0 stands for trimming words that make no pressure possible. */
export function compensatePressure(trim: Bme280Trim, tFine: number, adcP: number): number {
  const word = (i: number): bigint => BigInt(trim.p[i - 1] ?? 0);
  const t = BigInt(tFine) - 128_000n;
  const offset = t * t * word(6) + ((t * word(5)) << 17n) + (word(4) << 35n);
  const sensitivity = (((1n << 47n) + ((t * t * word(3)) >> 8n) + ((t * word(2)) << 12n)) * word(1)) >> 33n;
  if (sensitivity === 0n) return 0;
  const p = ((((1_048_576n - BigInt(adcP)) << 31n) - offset) * 3125n) / sensitivity;
  const square = (word(9) * (p >> 13n) * (p >> 13n)) >> 25n;
  const linear = (word(8) * p) >> 19n;
  return Number(((p + square + linear) >> 8n) + (word(7) << 4n)) / 256;
}

/** Percent relative humidity, 0..100, from the 32-bit formula (Q22.10). */
export function compensateHumidity(trim: Bme280Trim, tFine: number, adcH: number): number {
  const t = tFine - 76_800;
  const signal = ((adcH << 14) - (trim.h4 << 20) - trim.h5 * t + 16_384) >> 15;
  const curve = (((t * trim.h6) >> 10) * (((t * trim.h3) >> 11) + 32_768)) >> 10;
  const gain = ((curve + 2_097_152) * trim.h2 + 8192) >> 14;
  const linear = Math.imul(signal, gain);
  const corrected = linear - (((((linear >> 15) * (linear >> 15)) >> 7) * trim.h1) >> 4);
  return (Math.max(0, Math.min(419_430_400, corrected)) >> 12) / 1024;
}
