const UNIT_US = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
} as const;

/** An integer number of ms, or text with a unit: `20us`, `5ms`, `30s`, `10m`, `2h`, `1d` (simulator.md 10). */
export type DurationText = number | string;

export const DURATION_PATTERN = "^[0-9]{1,12}(us|ms|s|m|h|d)$";

/** Microseconds, or null for what is no duration or more than 2^53. */
export function durationUs(duration: DurationText): number | null {
  const us = typeof duration === "number" ? duration * UNIT_US.ms : textUs(duration);
  return us !== null && Number.isSafeInteger(us) && us >= 0 ? us : null;
}

function textUs(text: string): number | null {
  const [, digits, unit] = /^([0-9]{1,12})(us|ms|s|m|h|d)$/.exec(text) ?? [];
  return digits === undefined ? null : Number(digits) * UNIT_US[unit as keyof typeof UNIT_US];
}

/** The shortest text with a whole number, for example `90s`. */
export function durationText(us: number): string {
  for (const unit of ["d", "h", "m", "s", "ms"] as const)
    if (us !== 0 && us % UNIT_US[unit] === 0) return `${us / UNIT_US[unit]}${unit}`;
  return `${us}us`;
}
