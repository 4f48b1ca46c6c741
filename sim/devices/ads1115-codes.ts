/** Codes, times and inputs of the ADS1115 (TI SBAS444, 8.3 and 8.6). */

const FULL_SCALE_V = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256] as const;
const SAMPLES_PER_S = [8, 16, 32, 64, 128, 250, 475, 860] as const;

/** Signed 16-bit code of a voltage at a gain setting (TI SBAS444, 8.5.4). */
export function ads1115Code(volts: number, pga: number): number {
  const code = Math.round((volts / (FULL_SCALE_V[pga & 7] ?? 0.256)) * 32_768) + 0;
  return Math.max(-32_768, Math.min(32_767, code));
}

/** Nominal time of one conversion at a data-rate setting. */
export const ads1115ConversionUs = (dataRate: number): number =>
  Math.round(1e6 / (SAMPLES_PER_S[dataRate & 7] ?? 860));

/** Positive and negative input of each multiplexer setting; null is ground. */
const INPUTS: readonly (readonly [number, number | null])[] = [
  [0, 1],
  [0, 3],
  [1, 3],
  [2, 3],
  [0, null],
  [1, null],
  [2, null],
  [3, null],
];

/** The differential voltage that a configuration word selects. */
export function ads1115Input(config: number, volts: (input: number) => number): number {
  const [positive, negative] = INPUTS[(config >> 12) & 7] ?? [0, null];
  return volts(positive) - (negative === null ? 0 : volts(negative));
}
