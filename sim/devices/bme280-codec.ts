/**
 * Raw codes and compensation of the BME280 model, in exact integers (Bosch BST-BME280-DS002, section 4.2.3).
 * The driver has its own implementation of the formulas: a checker never reuses the code it judges.
 */
export interface Bme280Calibration {
  readonly t: readonly [number, number, number];
  readonly p: readonly [number, number, number, number, number, number, number, number, number];
  readonly h: readonly [number, number, number, number, number, number];
}

/** The calibration of simulator.md 5. */
export const DEFAULT_CALIBRATION: Bme280Calibration = {
  t: [27504, 26435, -1000],
  p: [36477, -10685, 3024, 2855, 140, -7, 15500, -14600, 6000],
  h: [75, 361, 0, 324, 50, 30],
};

export const SKIPPED_20_BIT = 0x80000;
export const SKIPPED_16_BIT = 0x8000;

const int32 = (x: bigint): bigint => BigInt.asIntN(32, x);

/** Fine temperature of the data sheet, the input of the other two formulas. */
export function fineTemperature(cal: Bme280Calibration, adcT: number): number {
  const adc = BigInt(adcT);
  const [t1, t2, t3] = cal.t.map(BigInt) as [bigint, bigint, bigint];
  const linear = int32(((adc >> 3n) - (t1 << 1n)) * t2) >> 11n;
  const offset = (adc >> 4n) - t1;
  const square = int32((int32(offset * offset) >> 12n) * t3) >> 14n;
  return Number(linear + square);
}

/** Hundredths of a degree Celsius. */
export const centiCelsius = (tFine: number): number => (tFine * 5 + 128) >> 8;

/** Pascal in Q24.8; 0 where the data sheet's formula would divide by zero. */
export function pressureQ24(cal: Bme280Calibration, tFine: number, adcP: number): number {
  const [p1 = 0n, p2 = 0n, p3 = 0n, p4 = 0n, p5 = 0n, p6 = 0n, p7 = 0n, p8 = 0n, p9 = 0n] = cal.p.map(BigInt);
  let v1 = BigInt(tFine) - 128000n;
  let v2 = v1 * v1 * p6 + ((v1 * p5) << 17n) + (p4 << 35n);
  v1 = ((v1 * v1 * p3) >> 8n) + ((v1 * p2) << 12n);
  v1 = (((1n << 47n) + v1) * p1) >> 33n;
  if (v1 === 0n) return 0;
  let p = 1048576n - BigInt(adcP);
  p = (((p << 31n) - v2) * 3125n) / v1;
  v1 = (p9 * (p >> 13n) * (p >> 13n)) >> 25n;
  v2 = (p8 * p) >> 19n;
  return Number(((p + v1 + v2) >> 8n) + (p7 << 4n));
}

/** Percent relative humidity in Q22.10, clamped to 0..100 %. */
export function humidityQ22(cal: Bme280Calibration, tFine: number, adcH: number): number {
  const [h1 = 0n, h2 = 0n, h3 = 0n, h4 = 0n, h5 = 0n, h6 = 0n] = cal.h.map(BigInt);
  const t = BigInt(tFine) - 76800n;
  const left = ((BigInt(adcH) << 14n) - (h4 << 20n) - h5 * t + 16384n) >> 15n;
  const inner = (((t * h6) >> 10n) * (((t * h3) >> 11n) + 32768n)) >> 10n;
  let v = left * (((inner + 2097152n) * h2 + 8192n) >> 14n);
  v -= ((((v >> 15n) * (v >> 15n)) >> 7n) * h1) >> 4n;
  const clamped = v < 0n ? 0n : v > 419430400n ? 419430400n : v;
  return Number(clamped >> 12n);
}

/** Smallest code in 0..max for which `reached` holds, `max` when none does; `reached` must be monotonic. */
function smallest(max: number, reached: (code: number) => boolean): number {
  let low = 0;
  let high = max;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export interface Climate {
  readonly temperatureC: number;
  readonly pressurePa: number;
  readonly humidityPct: number;
}

export interface RawClimate {
  readonly adcT: number;
  readonly adcP: number;
  readonly adcH: number;
}

/** The codes the chip would show for the quantities (search rule of simulator.md 5). */
export function encodeClimate(cal: Bme280Calibration, climate: Climate): RawClimate {
  const { temperatureC, pressurePa, humidityPct } = climate;
  const adcT = smallest(0xfffff, (code) => centiCelsius(fineTemperature(cal, code)) >= temperatureC * 100);
  const tFine = fineTemperature(cal, adcT);
  const adcP = smallest(0xfffff, (code) => pressureQ24(cal, tFine, code) <= pressurePa * 256);
  const adcH = smallest(0xffff, (code) => humidityQ22(cal, tFine, code) >= humidityPct * 1024);
  return { adcT, adcP, adcH };
}

/** Registers F7..FE: pressure, temperature (20 bit left aligned), humidity (16 bit). */
export function dataRegisters({ adcP, adcT, adcH }: RawClimate): Uint8Array {
  return Uint8Array.of(
    adcP >> 12,
    (adcP >> 4) & 0xff,
    (adcP & 0xf) << 4,
    adcT >> 12,
    (adcT >> 4) & 0xff,
    (adcT & 0xf) << 4,
    adcH >> 8,
    adcH & 0xff,
  );
}

/** Writes the calibration into a register file of 256 bytes: 88..A1 and E1..E7 (data sheet, table 16). */
export function storeCalibration(cal: Bme280Calibration, registers: Uint8Array): void {
  const view = new DataView(registers.buffer, registers.byteOffset, registers.byteLength);
  [...cal.t, ...cal.p].forEach((word, i) => {
    view.setUint16(0x88 + 2 * i, word & 0xffff, true);
  });
  const [h1, h2, h3, h4, h5, h6] = cal.h;
  view.setUint8(0xa1, h1);
  view.setInt16(0xe1, h2, true);
  view.setUint8(0xe3, h3);
  view.setUint8(0xe4, (h4 >> 4) & 0xff);
  view.setUint8(0xe5, (h4 & 0xf) | ((h5 & 0xf) << 4));
  view.setUint8(0xe6, (h5 >> 4) & 0xff);
  view.setInt8(0xe7, h6);
}

const FACTOR = [0, 1, 2, 4, 8, 16, 16, 16] as const;

/** Oversampling factor of a 3-bit register field. */
export const oversampling = (field: number): number => FACTOR[field & 7] ?? 0;

/** Longest measurement in microseconds for oversampling factors; a skipped quantity (0) costs nothing. */
export function measureUs(osT: number, osP: number, osH: number): number {
  const cost = (factor: number, setup: number): number => (factor === 0 ? 0 : 2300 * factor + setup);
  return 1250 + cost(osT, 0) + cost(osP, 575) + cost(osH, 575);
}
