/** What the simulator remembers of a ledger whose beginning a device has deleted. */
import { expect, test } from "vitest";
import { LedgerMemory } from "../../../sim/harness/ledger-memory.ts";

const entry = (index: number, kind: string, ts = index * 10, epoch = 0) => ({
  epoch,
  index,
  event: { kind, data: {} },
  ts,
});

test("intents and unknown outcomes are remembered, each epoch by itself", () => {
  const memory = new LedgerMemory();
  for (const one of [
    entry(0, "boot"),
    entry(1, "effect_intent"),
    entry(2, "effect_done"),
    entry(0, "effect_outcome_unknown", 5, 1),
  ])
    memory.entered(one);

  expect(memory.acts.map(({ epoch, index }) => [epoch, index])).toEqual([
    [0, 1],
    [1, 0],
  ]);
});

test("an index that comes again with another entry ends what was known behind it", () => {
  const memory = new LedgerMemory();
  for (const one of [
    entry(0, "boot"),
    entry(1, "effect_intent"),
    entry(2, "policy_active"),
    entry(3, "effect_intent"),
  ])
    memory.entered(one);
  memory.entered(entry(1, "boot", 99));

  expect(memory.acts).toEqual([]);
  expect(memory.kept).toEqual([]);
});

test("an entry whose row was repaired ends nothing", () => {
  const memory = new LedgerMemory();
  for (const one of [entry(0, "boot"), entry(1, "effect_intent"), entry(2, "policy_active")])
    memory.entered(one);
  memory.entered(entry(0, "boot"));

  expect(memory.acts.map(({ index }) => index)).toEqual([1]);
  expect(memory.kept.map(({ index }) => index)).toEqual([2]);
});
