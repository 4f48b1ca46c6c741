import { describe, expect, test } from "vitest";
import { brokenRelations, LIMIT_RELATIONS } from "../../firmware/core/limits/relations.ts";
import * as limits from "../../firmware/core/limits.ts";
import { TIER_LIMITS } from "../../firmware/vm/limits.ts";

const groups = Object.entries(limits) as readonly (readonly [string, Readonly<Record<string, unknown>>])[];

/** A group may hold rates beside plain numbers. */
function numbersIn(value: unknown): readonly unknown[] {
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(numbersIn) : [value];
}

describe("the limits", () => {
  test.each(groups)("%s is frozen", (_name, group) => {
    expect(Object.isFrozen(group)).toBe(true);
    expect(Object.values(group).every((value) => typeof value !== "object" || Object.isFrozen(value))).toBe(
      true,
    );
  });

  test.each(groups)("%s holds positive numbers that are exact", (_name, group) => {
    for (const value of numbersIn(group)) {
      expect(value).toBeGreaterThan(0);
      expect(Number.isSafeInteger(value) || Number(value) < 1).toBe(true);
    }
  });

  test.each(groups)("%s counts bytes, levels and times in whole units", (_name, group) => {
    for (const [key, value] of Object.entries(group)) {
      if (/(bytes|depth|ms|sec)$/i.test(key) && typeof value === "number") expect(value % 1).toBe(0);
    }
  });

  test.each(LIMIT_RELATIONS.map((relation) => [relation.name, relation] as const))(
    "%s",
    (_name, relation) => {
      expect(relation.small).toBeLessThanOrEqual(relation.large);
    },
  );

  test("name each relation once", () => {
    const names = LIMIT_RELATIONS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test("stop the daemon when a relation is broken, with both numbers", () => {
    const relation = { name: "a letter fits into its envelope", small: 3, large: 2 };
    expect(brokenRelations([relation])).toEqual(["a letter fits into its envelope (3 > 2)"]);
  });

  test("treat a number that is none as broken", () => {
    expect(brokenRelations([{ name: "x", small: Number.NaN, large: 2 }])).toHaveLength(1);
  });

  test("keep the time of safe states as the sum of their steps", () => {
    const { writeMs, attempts, releaseMs, totalMs } = limits.SAFE_STATE_LIMITS;
    expect([writeMs, attempts, totalMs]).toEqual([100, 3, 500]);
    expect(writeMs * attempts + releaseMs).toBeLessThanOrEqual(totalMs);
  });

  test("keep the promises of the scheduler and the ledger", () => {
    expect([limits.SCHEDULER_LIMITS.sliceMs, limits.SCHEDULER_LIMITS.sliceSteps]).toEqual([2, 2000]);
    expect(limits.LEDGER_LIMITS.groupCommitMs).toBe(20);
    expect([limits.LEDGER_LIMITS.checkpointEntries, limits.LEDGER_LIMITS.checkpointMs]).toEqual([
      256, 60_000,
    ]);
    expect(limits.TRICKLE_LIMITS).toEqual({ iminMs: 4000, doublings: 6, k: 3 });
  });
});

describe("the highest tier of programs", () => {
  const tier = TIER_LIMITS.system;

  test("claims no more than a policy may allow", () => {
    expect(tier.claims).toBeLessThanOrEqual(limits.POLICY_LIMITS.claims);
  });

  test("has inputs that an operator can send", () => {
    expect(tier.inputBytes).toBeLessThanOrEqual(limits.CONTROL_LIMITS.argumentBytes);
  });

  test("has values that the key-value store and a publication take", () => {
    expect(tier.valueBytes).toBeLessThanOrEqual(limits.STORAGE_LIMITS.valueBytes);
    expect(tier.valueBytes).toBeLessThanOrEqual(limits.BUS_LIMITS.publishBytes);
  });

  test("leaves no more evidence than a run may have when it is read back", () => {
    expect(3 * tier.ioCalls + 64).toBeLessThanOrEqual(limits.RUN_LIMITS.evidence);
  });

  test("makes no more calls than a journal may list when it is read back", () => {
    expect(tier.ioCalls).toBeLessThanOrEqual(limits.RUN_LIMITS.journalEntries);
  });
});
