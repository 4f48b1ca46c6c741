import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";

/** The seeds a scenario names: one number, one text, or a range `1..500`. Null for an empty or too long range. */
export function seedsOf(seed: number | string): readonly string[] | null {
  const [, first, last] = /^([0-9]{1,9})\.\.([0-9]{1,9})$/.exec(String(seed)) ?? [];
  if (first === undefined) return [String(seed)];
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > SCENARIO_LIMITS.runs) return null;
  return Array.from({ length: count }, (_, index) => String(Number(first) + index));
}
