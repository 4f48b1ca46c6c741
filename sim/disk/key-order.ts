/**
 * The order of keys in a store: by their UTF-8 bytes. Without surrogates it is the order of the UTF-16 units that
 * JavaScript compares by; only a character above U+FFFF sorts elsewhere (RFC 3629, section 1).
 */
const SURROGATE = /[\ud800-\udfff]/;
const REPLACEMENT = "\ufffd";

/** True if the order of UTF-16 units may differ from the order of bytes for this key. */
export const hasSurrogate = (key: string): boolean => SURROGATE.test(key);

/** A lone surrogate has no UTF-8 bytes; LevelDB stores the replacement character for it. */
export const storedKey = (key: string): string =>
  key.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, (match) =>
    match.length === 2 ? match : REPLACEMENT,
  );

/** Moves surrogates behind U+E000..U+FFFF, where the characters they stand for belong. */
const rank = (unit: number): number => {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
};

/** Negative, 0 or positive as the UTF-8 bytes of `a` lie before, at or behind those of `b`; both well-formed. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const left = a.charCodeAt(at);
    const right = b.charCodeAt(at);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}
