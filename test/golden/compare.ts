/** Member-by-member comparison: members that `expect` does not list are free, numbers agree within 1e-9 relative. */
export function firstDifference(expected: unknown, got: unknown, path = "$"): string | null {
  if (typeof expected === "number" && typeof got === "number") {
    const scale = Math.max(1, Math.abs(expected), Math.abs(got));
    return Math.abs(expected - got) <= 1e-9 * scale ? null : `${path}: expected ${expected}, got ${got}`;
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(got)) return `${path}: expected an array, got ${JSON.stringify(got)}`;
    if (expected.length !== got.length) {
      return `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
    }
    for (let i = 0; i < expected.length; i++) {
      const difference = firstDifference(expected[i], got[i], `${path}[${i}]`);
      if (difference) return difference;
    }
    return null;
  }
  if (typeof expected === "object" && expected !== null) {
    if (typeof got !== "object" || got === null || Array.isArray(got)) {
      return `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
    }
    for (const [key, value] of Object.entries(expected)) {
      const member = Object.hasOwn(got, key) ? (got as Record<string, unknown>)[key] : undefined;
      const difference = firstDifference(value, member, `${path}.${key}`);
      if (difference) return difference;
    }
    return null;
  }
  return Object.is(expected, got)
    ? null
    : `${path}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(got)}`;
}
