import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkGroup, defaultGroupPolicy, type GroupMember } from "../../firmware/evidence/index.ts";

const members = fc
  .array(
    fc.record({
      value: fc.integer({ min: -300, max: 300 }).map((n) => n / 10),
      trust: fc.constantFrom(0.5, 0.6, 0.95),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((list) =>
    list.map((m, i): GroupMember => ({ ...m, id: `c${i}`, origin: `o${i}`, unit: "Cel", ts: 0 })),
  );
const policy = fc.record({
  mode: fc.constantFrom<"all" | "vote">("all", "vote"),
  tolerance: fc.constantFrom(0.05, 0.3),
  minMembers: fc.constant(2),
  maxSpreadMs: fc.constant(2000),
  majority: fc.constant(1.3),
});

describe("agreement of redundant sensors", () => {
  it("does not depend on the order of the claims", () => {
    const shuffled = members.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, policy, ([list, other], rule) => {
        expect(checkGroup("g", other, rule)).toEqual(checkGroup("g", list, rule));
      }),
    );
  });

  it("resolves to a value between its members, and every member of a vote is near it", () => {
    fc.assert(
      fc.property(members, policy, (list, rule) => {
        const result = checkGroup("g", list, { ...rule, absTolerance: 0.5 });
        if (!result.ok) return;
        const values = list
          .filter(({ id }) => result.resolution.members.includes(id))
          .map((m) => Number(m.value));
        expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(0.5 + 1e-9);
        expect(result.resolution.value).toBeGreaterThanOrEqual(Math.min(...values) - 1e-9);
        expect(result.resolution.value).toBeLessThanOrEqual(Math.max(...values) + 1e-9);
      }),
    );
  });

  it("never lets one origin speak twice", () => {
    const twin = (id: string): GroupMember => ({ id, value: 20, origin: "x", unit: "Cel", ts: 0, trust: 1 });
    expect(checkGroup("g", [twin("a"), twin("b"), twin("c")], defaultGroupPolicy())).toMatchObject({
      reason: "group_too_small",
      details: { have: 1 },
    });
  });

  it("refuses members whose time is unknown", () => {
    const at = (id: string, ts: number): GroupMember => ({
      id,
      value: 1,
      origin: id,
      unit: "1",
      ts,
      trust: 1,
    });
    expect(checkGroup("g", [at("a", Number.NaN), at("b", 0)], defaultGroupPolicy())).toMatchObject({
      reason: "group_time_spread",
    });
  });
});
