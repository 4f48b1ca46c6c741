import { expect, it } from "vitest";
import { found, observedHouse } from "./observed-house.ts";

it("finds nothing on sound devices that were cut, refused, commanded and stopped", async () => {
  const { observations, first, second } = await observedHouse();
  expect(await found(observations)).toEqual([]);
  // What was there to be judged: moves, refusals, receipts, two lives, an orderly end.
  expect(first.lives.length).toBe(2);
  expect(second.lives.at(-1)?.end).toBe("stop");
  expect(first.moves.filter(({ level }) => level === 1).length).toBeGreaterThan(2);
  expect(observations.operators[0]?.receipts.map(({ receipt }) => receipt.outcome)).toContain("done");
  expect(observations.operators[0]?.receipts.map(({ receipt }) => receipt.outcome)).toContain("refused");
}, 120_000);
