/** Ids of a group of devices: prefix and number from 1, padded to at least three digits (simulator.md 10). */
export function deviceIds(prefix: string, count: number): readonly string[] {
  const width = Math.max(3, String(count).length);
  return Array.from({ length: count }, (_, index) => `${prefix}${String(index + 1).padStart(width, "0")}`);
}
