import type { Sht31Limits } from "./sht31-frame.ts";

/** Longest measurement in µs by repeatability (SHT3x-DIS, table 4). */
const HIGH_US = 15_000;
const MEDIUM_US = 6_000;
const LOW_US = 4_000;

/** Single shot (table 9). */
export const SINGLE_SHOT: ReadonlyMap<number, { readonly us: number; readonly stretch: boolean }> = new Map([
  [0x2c06, { us: HIGH_US, stretch: true }],
  [0x2c0d, { us: MEDIUM_US, stretch: true }],
  [0x2c10, { us: LOW_US, stretch: true }],
  [0x2400, { us: HIGH_US, stretch: false }],
  [0x240b, { us: MEDIUM_US, stretch: false }],
  [0x2416, { us: LOW_US, stretch: false }],
]);

/** Periodic acquisition (table 10) and accelerated response time (table 12): measurement time and period. */
export const PERIODIC: ReadonlyMap<number, { readonly us: number; readonly periodUs: number }> = new Map(
  [
    { periodUs: 2_000_000, commands: [0x2032, 0x2024, 0x202f] },
    { periodUs: 1_000_000, commands: [0x2130, 0x2126, 0x212d] },
    { periodUs: 500_000, commands: [0x2236, 0x2220, 0x222b] },
    { periodUs: 250_000, commands: [0x2334, 0x2322, 0x2329] },
    { periodUs: 100_000, commands: [0x2737, 0x2721, 0x272a] },
    { periodUs: 250_000, commands: [0x2b32] },
  ].flatMap(({ periodUs, commands }) =>
    commands.map((command, i) => [command, { us: [HIGH_US, MEDIUM_US, LOW_US][i] ?? HIGH_US, periodUs }]),
  ),
);

export const FETCH = 0xe000;
export const BREAK = 0x3093;
export const READ_STATUS = 0xf32d;
export const CLEAR_STATUS = 0x3041;
export const SOFT_RESET = 0x30a2;
export const HEATER_ON = 0x306d;
export const HEATER_OFF = 0x3066;

/** Limits of the alert mode (application note "Alert Mode", table 3). */
export const READ_LIMIT: ReadonlyMap<number, keyof Sht31Limits> = new Map([
  [0xe11f, "highSet"],
  [0xe114, "highClear"],
  [0xe109, "lowClear"],
  [0xe102, "lowSet"],
]);
export const WRITE_LIMIT: ReadonlyMap<number, keyof Sht31Limits> = new Map([
  [0x611d, "highSet"],
  [0x6116, "highClear"],
  [0x610b, "lowClear"],
  [0x6100, "lowSet"],
]);
