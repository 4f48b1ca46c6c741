import { describe, expect, test } from "vitest";
import { del, put, type Store, type StoreRange } from "../../firmware/ports/store.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

async function keys(store: Store, sub: string, range?: StoreRange): Promise<string[]> {
  const found: string[] = [];
  for await (const [key] of store.range(sub, range)) found.push(key);
  return found;
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

    test("keeps its own copy of a value", async () => {
      await using store = await open();
      const value = bytes("abc");
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

      await expect(store.get("a", "k")).rejects.toMatchObject({ code: "store_unavailable" });
    });
  });
}
