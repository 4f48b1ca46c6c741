import { describe, expect, it } from "vitest";
import { decodeSeenNonce, OfficialBook, officialIn } from "../../firmware/evidence/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const NOW = 1_700_000_000_000;

describe("nonces of official statements", () => {
  it("belong to the statement that used them first, also after a restart", async () => {
    const store = new MemoryStore();
    await store.batch(new OfficialBook().note("grid", "n1", "a", NOW + 10, NOW), { sync: true });
    const book = await OfficialBook.open(store);

    expect(book.isUsed("grid", "n1", "a")).toBe(false);
    expect(book.isUsed("grid", "n1", "b")).toBe(true);
    expect(book.isUsed("water", "n1", "b")).toBe(false);
    expect(book.note("grid", "n1", "a", NOW + 10, NOW)).toEqual([]);
  });

  it("are forgotten when their statements have expired", async () => {
    const store = new MemoryStore();
    const book = new OfficialBook();
    await store.batch(book.note("grid", "n1", "a", NOW, NOW), { sync: true });
    await store.batch(book.note("grid", "n2", "b", NOW + 10, NOW + 1), { sync: true });

    expect([book.isKnown("grid", "n1"), book.isKnown("grid", "n2")]).toEqual([false, true]);
    const again = await OfficialBook.open(store);
    expect([again.isKnown("grid", "n1"), again.isKnown("grid", "n2")]).toEqual([false, true]);
  });

  it("that could not be stored are new again, so that the next batch brings them", () => {
    const book = new OfficialBook();
    const first = book.note("grid", "n1", "a", NOW + 10, NOW);
    book.forget("grid", "n1");
    expect(book.isKnown("grid", "n1")).toBe(false);
    expect(book.note("grid", "n1", "a", NOW + 10, NOW)).toEqual(first);
  });

  it("are refused as rows of another shape", () => {
    expect(() => decodeSeenNonce(new Uint8Array([0x01]))).toThrow(
      expect.objectContaining({ code: "store_corrupt" }),
    );
  });
});

describe("a result of a call", () => {
  const envelope = { payloadType: "application/vnd.imu.official+json", payload: "e30=", signatures: [] };

  it("holds a statement as itself, its value or its payload, and nowhere else", () => {
    for (const result of [envelope, { value: envelope }, { payload: envelope }])
      expect(officialIn(result)).toMatchObject({ payload: "e30=" });
    for (const result of [
      null,
      1,
      [envelope],
      { other: envelope },
      { ...envelope, payloadType: "text/plain" },
    ])
      expect(officialIn(result)).toBeNull();
  });
});
