import { describe, expect, it } from "vitest";
import { decodeReputation, ReputationBook, RunReputation } from "../../firmware/evidence/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

/** A book in which one run has seen these violations and successes. */
function after(violated: readonly string[], accepted: readonly string[], book = new ReputationBook()) {
  const run = new RunReputation(book);
  for (const id of violated) run.violation(id, `spi://${id}`);
  for (const id of accepted) run.success(id, `i2c://${id}`);
  return { book, learned: run.settle(NOW) };
}

describe("what a run has seen of its sources", () => {
  it("counts one violation however often it was met, and no success beside it", () => {
    const { book } = after(["adc", "adc"], ["adc", "bme"]);
    expect(book.factor("adc", NOW)).toBeCloseTo(0.9);
    expect(book.factor("bme", NOW)).toBeCloseTo(1.05);
  });

  it("counts a failure that goes on once, and again after it was over", () => {
    const book = new ReputationBook();
    for (let i = 0; i < 50; i++) after(["adc"], [], book);
    expect(book.factor("adc", NOW)).toBeCloseTo(0.9);

    const well = new RunReputation(book);
    well.success("adc", "spi://adc");
    well.settle(NOW);
    after(["adc"], [], book);
    expect(book.factor("adc", NOW)).toBeCloseTo(0.85);
  });

  it("counts for nothing before the run settles", () => {
    const book = new ReputationBook();
    new RunReputation(book).violation("adc", "spi://adc");
    expect(book.factor("adc", NOW)).toBe(1);
  });

  it("is read back from the store, and changed rows alone are written", async () => {
    const store = new MemoryStore();
    const { book, learned } = after(["adc"], ["bme"]);
    await store.batch(learned.ops, { sync: true });

    const again = await ReputationBook.open(store);

    expect([again.factor("adc", NOW), again.factor("bme", NOW)]).toEqual([
      book.factor("adc", NOW),
      book.factor("bme", NOW),
    ]);
    expect(after(["spi"], [], book).learned.ops).toHaveLength(1);
  });

  it("goes into the next batch when its own could not be written", () => {
    const { book, learned } = after(["adc"], []);
    learned.failed();
    expect(after([], [], book).learned.ops).toHaveLength(1);
  });

  it("writes no more for a source that could not be better", () => {
    const book = new ReputationBook();
    let written = 0;
    for (let minute = 0; minute < 60; minute++) {
      const run = new RunReputation(book);
      run.success("adc", "spi://adc");
      written += run.settle(NOW + minute * MINUTE).ops.length;
    }
    expect(written).toBe(10);
    expect(book.factor("adc", NOW + 60 * MINUTE)).toBeGreaterThan(1.49);
  });

  it("refuses a stored row of another shape", () => {
    const bytes = new Uint8Array([0x01]);
    expect(() => decodeReputation(bytes)).toThrow(expect.objectContaining({ code: "store_corrupt" }));
  });
});
