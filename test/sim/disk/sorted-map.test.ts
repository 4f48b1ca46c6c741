import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compareKeys, storedKey } from "../../../sim/disk/key-order.ts";
import { SortedMap } from "../../../sim/disk/sorted-map.ts";

const sign = (number: number): number => Math.sign(number);

/** Few enough keys to meet again, and enough of them to fill several chunks. */
const key = fc
  .integer({ min: 0, max: 400 })
  .map((n) => (n % 7 === 0 ? `\u{1f331}${n}` : n % 5 === 0 ? `\uffee${n}` : `${n}`));
const change = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant("set" as const), key, fc.nat(9)) },
  { weight: 2, arbitrary: fc.tuple(fc.constant("delete" as const), key, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("clone" as const), fc.constant(""), fc.constant(0)) },
);
type Change = readonly [kind: "set" | "delete" | "clone", key: string, value: number];

class PlainMap {
  readonly rows: Map<string, number>;

  constructor(rows: Iterable<[string, number]> = []) {
    this.rows = new Map(rows);
  }

  sorted(): [string, number][] {
    return [...this.rows].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  }
}

const all = (map: SortedMap<number>): [string, number][] => map.slice({}, Number.POSITIVE_INFINITY);

function apply([kind, at, value]: Change, map: SortedMap<number>, plain: PlainMap): void {
  if (kind === "set") {
    expect(map.set(at, value)).toBe(plain.rows.get(at));
    plain.rows.set(at, value);
  } else {
    expect(map.delete(at)).toBe(plain.rows.get(at));
    plain.rows.delete(at);
  }
  expect(map.get(at)).toBe(plain.rows.get(at));
  expect(map.size).toBe(plain.rows.size);
}

describe("a sorted map", () => {
  test("answers like a plain map, and so does every clone of it, whichever is written", () => {
    const changes = fc.array(change, { minLength: 100, maxLength: 600, size: "max" });
    fc.assert(
      fc.property(changes, fc.infiniteStream(fc.nat()), (list, picks) => {
        const pairs = [{ map: new SortedMap<number>(), plain: new PlainMap() }];
        for (const each of list) {
          const { map, plain } = pairs[picks.next().value % pairs.length] as (typeof pairs)[number];
          if (each[0] === "clone") pairs.push({ map: map.clone(), plain: new PlainMap(plain.rows) });
          else apply(each, map, plain);
        }
        for (const { map, plain } of pairs) expect(all(map)).toEqual(plain.sorted());
      }),
      { numRuns: 30 },
    );
  });

  test("keeps ten thousand ascending, descending and scattered keys in order", () => {
    const names = Array.from({ length: 10_000 }, (_, index) => index.toString(16).padStart(8, "0"));
    const scattered = names.map((_, index) => names[(index * 7919) % names.length] as string);
    for (const order of [names, [...names].reverse(), scattered]) {
      const map = new SortedMap<string>();
      for (const name of order) map.set(name, name);

      expect(map.slice({}, Number.POSITIVE_INFINITY).map(([name]) => name)).toEqual(names);
      expect(map.slice({ gt: "00000fff", lt: "00001003" }, 9).map(([name]) => name)).toEqual(
        names.slice(4096, 4099),
      );
      expect(map.slice({ lte: "00001000", reverse: true }, 3).map(([name]) => name)).toEqual(
        names.slice(4094, 4097).reverse(),
      );
    }
  });

  test("is empty again once every row was deleted", () => {
    const map = new SortedMap<number>();
    for (let n = 0; n < 1000; n++) map.set(String(n), n);
    for (let n = 0; n < 1000; n++) expect(map.delete(String(n))).toBe(n);

    expect(map.size).toBe(0);
    expect(all(map)).toEqual([]);
    expect(map.delete("1")).toBeUndefined();
    map.set("x", 1);
    expect(all(map)).toEqual([["x", 1]]);
  });
});

describe("the order of keys", () => {
  const wellFormed = fc.string({ unit: "binary", maxLength: 6 }).map(storedKey);

  test("is that of their UTF-8 bytes", () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (a, b) => {
        expect(sign(compareKeys(a, b))).toBe(sign(Buffer.compare(Buffer.from(a), Buffer.from(b))));
      }),
      {
        numRuns: 2000,
        examples: [
          ["\u{1f331}", "\uffee"],
          ["\u{1f331}", "\ud7ff"],
          ["a", "a\u0000"],
        ],
      },
    );
  });

  test("takes a lone surrogate for the character that UTF-8 has for it", () => {
    const units = fc.array(fc.constantFrom("a", "\ud800", "\udc00", "\udbff", "\udfff"), { maxLength: 6 });
    fc.assert(
      fc.property(units, (parts) => {
        const text = parts.join("");
        expect(storedKey(text)).toBe(Buffer.from(text).toString());
      }),
    );
  });
});
