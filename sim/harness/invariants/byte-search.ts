/**
 * Looks for a few byte strings in much data. Only every sixteenth place is looked at: each needle is at least so long
 * that four of its bytes begin at one of them, and a table of such groups rules out nearly every place.
 */
export interface Needle {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const STRIDE = 16;
const GROUP = 4;
/** Shorter ones are not looked for: they would be found by chance. */
export const SHORTEST_NEEDLE = STRIDE + GROUP - 1;
const SLOTS = 65_536;

interface Place {
  readonly needle: Needle;
  /** Where in the needle the group begins. */
  readonly at: number;
}

const groupAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] ?? 0) << 24) |
  ((bytes[at + 1] ?? 0) << 16) |
  ((bytes[at + 2] ?? 0) << 8) |
  (bytes[at + 3] ?? 0);

/** Multiplicative hashing (Knuth, 6.4) to 16 bits. */
const slotOf = (group: number): number => Math.imul(group, 0x9e3779b1) >>> 16;

export class ByteSearch {
  readonly #isUsed = new Uint8Array(SLOTS);
  readonly #places = new Map<number, Place[]>();

  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      if (needle.bytes.length < SHORTEST_NEEDLE) continue;
      for (let at = 0; at < STRIDE; at++) {
        const slot = slotOf(groupAt(needle.bytes, at));
        this.#isUsed[slot] = 1;
        const known = this.#places.get(slot);
        if (known) known.push({ needle, at });
        else this.#places.set(slot, [{ needle, at }]);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#places.size === 0;
  }

  /** The name of a needle that `hay` holds, null if it holds none. */
  findIn(hay: Uint8Array): string | null {
    const isUsed = this.#isUsed;
    const end = hay.length - GROUP;
    for (let at = 0; at <= end; at += STRIDE) {
      const slot = slotOf(groupAt(hay, at));
      if (isUsed[slot] === 0) continue;
      for (const place of this.#places.get(slot) ?? [])
        if (beginsAt(hay, place.needle.bytes, at - place.at)) return place.needle.name;
    }
    return null;
  }
}

function beginsAt(hay: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at < 0 || at + bytes.length > hay.length) return false;
  for (let i = 0; i < bytes.length; i++) if (hay[at + i] !== bytes[i]) return false;
  return true;
}
