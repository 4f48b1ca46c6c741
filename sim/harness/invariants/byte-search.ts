/** Looks for many short byte strings in much data, in one pass: a table of first pairs rules out nearly every place. */
export interface Needle {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const PAIRS = 65_536;

export class ByteSearch {
  readonly #mayBegin = new Uint8Array(PAIRS);
  readonly #byPair = new Map<number, Needle[]>();

  /** Needles shorter than four bytes would be found everywhere: they are left out. */
  constructor(needles: readonly Needle[]) {
    for (const needle of needles) {
      const { bytes } = needle;
      if (bytes.length < 4) continue;
      const pair = ((bytes[0] ?? 0) << 8) | (bytes[1] ?? 0);
      this.#mayBegin[pair] = 1;
      const known = this.#byPair.get(pair);
      if (known) known.push(needle);
      else this.#byPair.set(pair, [needle]);
    }
  }

  get isEmpty(): boolean {
    return this.#byPair.size === 0;
  }

  /** The name of the first needle that `hay` holds, null if it holds none. */
  findIn(hay: Uint8Array): string | null {
    const table = this.#mayBegin;
    let pair = hay[0] ?? 0;
    for (let at = 1; at < hay.length; at++) {
      pair = ((pair << 8) | (hay[at] ?? 0)) & 0xffff;
      if (table[pair] === 0) continue;
      const found = this.#byPair.get(pair)?.find(({ bytes }) => beginsAt(hay, bytes, at - 1));
      if (found) return found.name;
    }
    return null;
  }
}

function beginsAt(hay: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + bytes.length > hay.length) return false;
  for (let i = 0; i < bytes.length; i++) if (hay[at + i] !== bytes[i]) return false;
  return true;
}
