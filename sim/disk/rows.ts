import { CodedError } from "../../firmware/core/errors.ts";
import type { StoreRange } from "../../firmware/ports/store.ts";
import { SortedMap } from "./sorted-map.ts";

export type Row = readonly [key: string, value: Uint8Array];

/** Names that LevelDB's sublevels take: printable ASCII behind the separator `!`. */
const SUBLEVEL_NAME = /^["-~]*$/;

/** Rows read at once; a longer range goes on in a snapshot. */
const FIRST_PAGE = 64;
const PAGE = 512;

const isUnlimited = (limit: number | undefined): boolean =>
  limit === undefined || !Number.isInteger(limit) || limit < 0;

/**
 * The rows of all sublevels, as the bytes lie on the medium: no value is copied and none is ever changed, so whoever
 * puts one hands it over for good and whoever hands one on must copy it.
 */
export class Rows {
  readonly #sublevels = new Map<string, SortedMap<Uint8Array>>();
  #bytes = 0;
  #count = 0;

  /** Bytes of all keys and values; keys count as many bytes as UTF-16 units, which is exact for ASCII. */
  get bytes(): number {
    return this.#bytes;
  }

  get count(): number {
    return this.#count;
  }

  get sublevels(): readonly string[] {
    return [...this.#sublevels.keys()].filter((sub) => this.countOf(sub) > 0);
  }

  countOf(sub: string): number {
    return this.#sublevels.get(sub)?.size ?? 0;
  }

  /** @throws CodedError `store_unavailable` (503) for a name no sublevel can have; so do all that take one. */
  get(sub: string, key: string): Uint8Array | undefined {
    const map = this.#sublevels.get(sub);
    if (!map) checkSublevel(sub);
    return map?.get(key);
  }

  /** @returns what was there before. */
  put(sub: string, key: string, value: Uint8Array): Uint8Array | undefined {
    const before = this.#sublevel(sub).set(key, value);
    if (before === undefined) this.#count++;
    this.#bytes += value.length - (before === undefined ? -key.length : before.length);
    return before;
  }

  /** @returns what was there before. */
  del(sub: string, key: string): Uint8Array | undefined {
    const before = this.#sublevels.get(sub)?.delete(key);
    if (before === undefined) return undefined;
    this.#count--;
    this.#bytes -= key.length + before.length;
    return before;
  }

  /** The rows of a range as they are at this call; they are read in pages, so a limit bounds the work. */
  range(sub: string, range: StoreRange): Iterator<readonly Row[]> {
    const map = this.#sublevels.get(sub);
    if (!map) checkSublevel(sub);
    const limit = isUnlimited(range.limit) ? Number.POSITIVE_INFINITY : (range.limit as number);
    const first = map?.slice(range, Math.min(limit, FIRST_PAGE)) ?? [];
    const snapshot = map && first.length === FIRST_PAGE && limit > FIRST_PAGE ? map.clone() : null;
    return pagesOf(first, snapshot, range, limit);
  }

  /** Rows of their own with the same content; costs nothing per row. */
  clone(): Rows {
    const copy = new Rows();
    for (const [sub, map] of this.#sublevels) copy.#sublevels.set(sub, map.clone());
    copy.#bytes = this.#bytes;
    copy.#count = this.#count;
    return copy;
  }

  #sublevel(name: string): SortedMap<Uint8Array> {
    const known = this.#sublevels.get(name);
    if (known) return known;
    checkSublevel(name);
    const map = new SortedMap<Uint8Array>();
    this.#sublevels.set(name, map);
    return map;
  }
}

function* pagesOf(
  first: readonly Row[],
  snapshot: SortedMap<Uint8Array> | null,
  range: StoreRange,
  limit: number,
): Generator<readonly Row[], undefined> {
  let left = limit;
  for (let page = first; ; ) {
    const last = page[page.length - 1];
    if (!last) return;
    yield page;
    left -= page.length;
    if (!snapshot) return;
    page = snapshot.slice(behind(range, last[0]), Math.min(left, PAGE));
  }
}

/** What is left of a range once the row `key` has been read. */
function behind(range: StoreRange, key: string): StoreRange {
  const { gt, gte, lt, lte, reverse } = range;
  if (reverse) return { ...(gte !== undefined ? { gte } : gt !== undefined ? { gt } : {}), lt: key, reverse };
  return { gt: key, ...(lte !== undefined ? { lte } : lt !== undefined ? { lt } : {}) };
}

/** As the LevelDB store answers. */
function checkSublevel(name: string): void {
  if (SUBLEVEL_NAME.test(name)) return;
  throw new CodedError("store_unavailable", `${JSON.stringify(name)} cannot be the name of a sublevel.`, {
    status: 503,
  });
}
