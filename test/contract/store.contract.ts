import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { del, put, type Store, type StoreOp, type StoreRange } from "../../firmware/ports/store.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function rowsOf(store: Store, sub: string, range?: StoreRange): Promise<[string, Uint8Array][]> {
  const found: [string, Uint8Array][] = [];
  for await (const [key, value] of store.range(sub, range)) found.push([key, value]);
  return found;
}

async function keys(store: Store, sub: string, range?: StoreRange): Promise<string[]> {
  return (await rowsOf(store, sub, range)).map(([key]) => key);
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** One sublevel as the contract says it, without any speed. */
class PlainRows {
  readonly #rows = new Map<string, Uint8Array>();

  apply(ops: readonly StoreOp[]): void {
    for (const op of ops) {
      const key = Buffer.from(op.key).toString();
      if (op.type === "put") this.#rows.set(key, op.value);
      else this.#rows.delete(key);
    }
  }

  range(range: StoreRange): [string, Uint8Array][] {
    const { gt, gte, lt, lte, reverse = false, limit = -1 } = range;
    const rows = [...this.#rows].sort(([a], [b]) => byBytes(a, b));
    const inside = rows.filter(([key]) => {
      const from = gte !== undefined ? byBytes(key, gte) >= 0 : gt === undefined || byBytes(key, gt) > 0;
      const to = lte !== undefined ? byBytes(key, lte) <= 0 : lt === undefined || byBytes(key, lt) < 0;
      return from && to;
    });
    if (reverse) inside.reverse();
    return limit < 0 ? inside : inside.slice(0, limit);
  }
}

/** What every store promises; called by the tests of the memory and of the LevelDB store. */
export function storeContract(name: string, open: () => Promise<Store>): void {
  describe(`${name} store`, () => {
    test("answers undefined for what was never written", async () => {
      await using store = await open();

      expect(await store.get("a", "k")).toBeUndefined();
      expect(await store.getMany("a", ["k", "l"])).toEqual([undefined, undefined]);
    });

    test("applies a batch across sublevels as one", async () => {
      await using store = await open();

      await store.batch([put("a", "k", bytes("1")), put("b", "k", bytes("2"))], { sync: true });

      expect(await store.get("a", "k")).toEqual(bytes("1"));
      expect(await store.get("b", "k")).toEqual(bytes("2"));
    });

    test("lets the later operation of a batch win", async () => {
      await using store = await open();

      await store.batch([put("a", "k", bytes("1")), del("a", "k"), put("a", "k", bytes("3"))], {
        sync: false,
      });

      expect(await store.get("a", "k")).toEqual(bytes("3"));
    });

    test("iterates one sublevel in byte order within bounds", async () => {
      await using store = await open();
      await store.batch(
        ["b", "a", "é", "~", "aa"].map((key) => put("a", key, bytes(key))).concat(put("a2", "x", bytes("x"))),
        { sync: false },
      );

      expect(await keys(store, "a")).toEqual(["a", "aa", "b", "~", "é"]);
      expect(await keys(store, "a", { gt: "a", lte: "b" })).toEqual(["aa", "b"]);
      expect(await keys(store, "a", { reverse: true, limit: 2 })).toEqual(["é", "~"]);
      expect(await keys(store, "a", { gte: "b", lt: "~" })).toEqual(["b"]);
    });

    test("orders keys by their UTF-8 bytes, not by UTF-16 units", async () => {
      await using store = await open();
      await store.batch(
        ["\u{1f331}", "\uffee", "\ud7ff", "a\u{1f331}", "a\uffee"].map((key) => put("a", key, bytes(key))),
        { sync: false },
      );

      expect(await keys(store, "a")).toEqual(["a\uffee", "a\u{1f331}", "\ud7ff", "\uffee", "\u{1f331}"]);
      expect(await keys(store, "a", { gt: "\uffee" })).toEqual(["\u{1f331}"]);
      expect(await keys(store, "a", { lte: "a\u{1f331}", reverse: true, limit: 1 })).toEqual(["a\u{1f331}"]);
    });

    test("keeps a key that is not well-formed under its replacement", async () => {
      await using store = await open();
      await store.batch([put("a", "x\ud800y", bytes("1"))], { sync: false });

      expect(await keys(store, "a")).toEqual(["x\ufffdy"]);
      expect(await store.get("a", "x\udfffy")).toEqual(bytes("1"));
    });

    test.each<[range: StoreRange, expected: string[]]>([
      [{ gt: "c", gte: "b" }, ["b", "c", "d"]],
      [{ lt: "b", lte: "c" }, ["a", "b", "c"]],
      [{ gt: "c", lt: "b" }, []],
      [{ gte: "c", lt: "b", reverse: true }, []],
      [{ lt: "" }, []],
      [{ gte: "" }, ["a", "b", "c", "d"]],
      [{ gt: "aa", lt: "cc", limit: 0 }, []],
      [{ limit: -1 }, ["a", "b", "c", "d"]],
      [{ gte: "bb", reverse: true }, ["d", "c"]],
    ])("reads the range %j", async (range, expected) => {
      await using store = await open();
      await store.batch(
        ["d", "b", "a", "c"].map((key) => put("a", key, bytes(key))),
        { sync: false },
      );

      expect(await keys(store, "a", range)).toEqual(expected);
    });

    test("iterates over the rows of the moment when the first one was asked for", async () => {
      await using store = await open();
      const names = Array.from({ length: 300 }, (_, index) => String(index).padStart(3, "0"));
      await store.batch(
        names.map((key) => put("a", key, bytes(key))),
        { sync: false },
      );
      const rows = store.range("a", { gte: "100" })[Symbol.asyncIterator]();
      await store.batch([put("a", "100b", bytes("before the first row"))], { sync: false });

      const seen = [(await rows.next()).value];
      await store.batch([put("a", "299", bytes("new")), put("a", "299b", bytes("new")), del("a", "298")], {
        sync: false,
      });
      for (let row = await rows.next(); !row.done; row = await rows.next()) seen.push(row.value);

      expect(seen.map(([key]) => key)).toEqual(["100", "100b", ...names.slice(101)]);
      expect(seen.at(-1)[1]).toEqual(bytes("299"));
      expect(await store.get("a", "299")).toEqual(bytes("new"));
    });

    test("has no sublevel with the separator in its name", async () => {
      await using store = await open();

      await expect(store.get("a!b", "k")).rejects.toMatchObject({ code: "store_unavailable" });
      await expect(keys(store, "é")).rejects.toMatchObject({ code: "store_unavailable" });
    });

    test.each([
      ["an array", bytes("abc")],
      ["a Buffer", Buffer.from("abc")],
    ])("keeps its own copy of a value that is %s", async (_kind, value) => {
      await using store = await open();
      await store.batch([put("a", "k", value)], { sync: false });

      value[0] = 0;

      expect(await store.get("a", "k")).toEqual(bytes("abc"));
    });

    test("keeps an empty value apart from an absent one", async () => {
      await using store = await open();
      await store.batch([put("a", "k", new Uint8Array())], { sync: false });

      expect(await store.get("a", "k")).toEqual(new Uint8Array());
    });

    test("refuses work after it was closed", async () => {
      const store = await open();
      await store[Symbol.asyncDispose]();

      const closed = { code: "store_unavailable", status: 503 };
      await expect(store.get("a", "k")).rejects.toMatchObject(closed);
      await expect(store.getMany("a", ["k"])).rejects.toMatchObject(closed);
      await expect(store.batch([put("a", "k", bytes("1"))], { sync: true })).rejects.toMatchObject(closed);
      await expect(keys(store, "a")).rejects.toMatchObject(closed);
      await store[Symbol.asyncDispose]();
    });

    test("ends an iteration that was begun before it was closed", async () => {
      const store = await open();
      await store.batch([put("a", "k", bytes("1")), put("a", "l", bytes("2"))], { sync: false });
      const rows = store.range("a")[Symbol.asyncIterator]();
      expect((await rows.next()).value).toEqual(["k", bytes("1")]);

      await store[Symbol.asyncDispose]();

      await expect(rows.next()).rejects.toMatchObject({ code: "store_unavailable" });
    });

    test("answers like a plain list, whatever is written and asked", async () => {
      const key = fc.oneof(
        fc.string({ maxLength: 3, unit: fc.constantFrom("a", "b", "\u007f", "é", "\uffee", "\u{1f331}") }),
        fc.string({ unit: "binary", maxLength: 4 }),
      );
      const op = fc.oneof(
        {
          weight: 3,
          arbitrary: fc.tuple(key, fc.uint8Array({ maxLength: 4 })).map(([k, v]) => put("a", k, v)),
        },
        { weight: 1, arbitrary: key.map((k) => del("a", k)) },
      );
      const bound = fc.option(key, { nil: undefined, freq: 2 });
      const range = fc
        .record({
          gt: bound,
          gte: bound,
          lt: bound,
          lte: bound,
          reverse: fc.boolean(),
          limit: fc.integer({ min: -1, max: 5 }),
        })
        .map(
          (given) =>
            Object.fromEntries(
              Object.entries(given).filter(([, value]) => value !== undefined),
            ) as StoreRange,
        );
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(op, { maxLength: 12 }), { maxLength: 6 }),
          fc.array(range, { maxLength: 6 }),
          async (batches, ranges) => {
            await using store = await open();
            const plain = new PlainRows();
            for (const ops of batches) {
              await store.batch(ops, { sync: false });
              plain.apply(ops);
            }
            for (const each of ranges) expect(await rowsOf(store, "a", each)).toEqual(plain.range(each));
          },
        ),
        { numRuns: 50 },
      );
    });
  });
}
