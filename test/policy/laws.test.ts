import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AuthorThresholds,
  adjustForProfile,
  type DirectionTable,
  decide,
  matchesGlob,
  type Rule,
  tightenValues,
} from "../../firmware/policy/index.ts";

const directions = {
  low: "lower",
  high: "higher",
  grow: "union",
  shrink: "intersection",
  on: "true",
  heal: ["a", "b", "c"],
  deep: { each: "lower" },
} as const satisfies DirectionTable;

const words = fc
  .uniqueArray(fc.constantFrom("p", "q", "r", "s"), { maxLength: 4 })
  .map((list) => list.sort());
const limit = fc.option(fc.integer({ min: 0, max: 9 }));
const layer = fc.record({
  low: limit,
  high: limit,
  grow: words,
  shrink: words,
  on: fc.boolean(),
  heal: fc.constantFrom("a", "b", "c"),
  deep: fc.dictionary(fc.constantFrom("x", "y"), limit),
});

function merged(...layers: readonly fc.JsonValue[]): unknown {
  return layers.reduce((base, next) => {
    const result = tightenValues(base as never, next as never, directions, "runtime");
    if (!result.ok) throw new Error(JSON.stringify(result.errors));
    return result.effective as fc.JsonValue;
  });
}

describe("tightening", () => {
  it("is associative, commutative and idempotent, and changes neither input", () => {
    fc.assert(
      fc.property(layer, layer, layer, (a, b, c) => {
        const before = structuredClone([a, b, c]);

        expect(merged(a, b)).toEqual(merged(b, a));
        expect(merged(merged(a, b) as never, c)).toEqual(merged(a, merged(b, c) as never));
        expect(merged(a, a)).toEqual(a);
        expect([a, b, c]).toEqual(before);
      }),
    );
  });

  it("accepts in a document exactly what equals its own merge over the base", () => {
    fc.assert(
      fc.property(layer, layer, (base, next) => {
        const strict = tightenValues(base, next, directions, "document");
        const total = { ...base, ...next, deep: { ...base.deep, ...next.deep } };

        expect(strict.ok).toBe(JSON.stringify(merged(base, next)) === JSON.stringify(merged(total, total)));
      }),
    );
  });
});

describe("profiles", () => {
  const author: fc.Arbitrary<AuthorThresholds> = fc.record(
    {
      minDistinctSources: fc.integer({ min: 0, max: 12 }),
      minTotalTrust: fc.integer({ min: 0, max: 20 }),
      minLevel: fc.integer({ min: 0, max: 3 }),
      numberTolerance: fc.double({ min: 0, max: 0.9, noNaN: true }),
      minPointsPerClaim: fc.integer({ min: 0, max: 5 }),
      minLevelByType: fc.dictionary(
        fc.constantFrom("latency", "kpi", "other"),
        fc.integer({ min: 0, max: 3 }),
      ),
      quarantine: fc.record({ errorRate: fc.double({ min: 0, max: 1, noNaN: true }) }, { requiredKeys: [] }),
      noRule: fc.constantFrom("block", "require_consent"),
      violationLimit: fc.integer({ min: 0, max: 9 }),
    },
    { requiredKeys: [] },
  );

  it("are never looser than the profile before them, whatever the author wrote", () => {
    const profiles = ["dev", "stage", "prod", "strict"] as const;
    fc.assert(
      fc.property(author, (values) => {
        const sides = profiles.map((profile) => adjustForProfile(values, profile));
        for (const [i, next] of sides.entries()) {
          const last = sides[i - 1];
          if (!last) continue;
          expect(next.minDistinctSources).toBeGreaterThanOrEqual(last.minDistinctSources);
          expect(next.minTotalTrust).toBeGreaterThanOrEqual(last.minTotalTrust);
          expect(next.minLevel).toBeGreaterThanOrEqual(last.minLevel);
          expect(next.minPointsPerClaim).toBeGreaterThanOrEqual(last.minPointsPerClaim);
          expect(next.numberTolerance).toBeLessThanOrEqual(last.numberTolerance);
          expect(next.quarantine.errorRate).toBeLessThanOrEqual(last.quarantine.errorRate);
          expect(next.quarantine.violationRate).toBeLessThanOrEqual(last.quarantine.violationRate);
          expect(next.violationLimit).toBeLessThanOrEqual(last.violationLimit);
          expect(Number(next.requireGroups)).toBeGreaterThanOrEqual(Number(last.requireGroups));
          expect(Number(next.noRule === "block")).toBeGreaterThanOrEqual(Number(last.noRule === "block"));
          for (const [type, level] of Object.entries(last.minLevelByType)) {
            expect(next.minLevelByType[type] ?? 0).toBeGreaterThanOrEqual(level);
          }
        }
      }),
    );
  });
});

describe("decisions", () => {
  const topic = fc.constantFrom("gpio://gpiochip0/17", "i2c://1/0x76", "kv://a/b");
  const rule: fc.Arbitrary<Rule> = fc.record({
    id: fc.string(),
    topic: fc.constantFrom(
      "**",
      "gpio://**",
      "gpio://gpiochip0/*",
      "gpio://gpiochip0/17",
      "i2c://*/*",
      "kv://**",
    ),
    action: fc.constantFrom("*", "read", "write"),
    decision: fc.constantFrom("allow", "block", "require_consent"),
    priority: fc.integer({ min: 1, max: 3 }),
  });

  it("never allow what a matching block of equal or smaller priority number blocks", () => {
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 8 }), topic, (rules, asked) => {
        const subject = { id: "s", known: true, enabled: true, trust: 100 } as const;
        const state = { rateCount: 1, grants: [], now: 0, clockTrusted: true };
        const result = decide(
          { rules, noRule: "block", lowTrust: "block" },
          { subject, topic: asked, action: "write" },
          state,
        );
        if (result.decision !== "allow") return;

        const matching = rules.filter(
          (r) => matchesGlob(r.topic as string, asked) && (r.action === "*" || r.action === "write"),
        );
        const first = Math.min(...matching.map((r) => r.priority ?? 100));
        const tied = matching.filter((r) => r.priority === first);
        expect(tied.every((r) => r.decision === "allow")).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it("take time in proportion to the pattern, also for hostile globs", () => {
    expect(matchesGlob(`${"**a".repeat(200)}b`, "a".repeat(2000))).toBe(false);
    expect(matchesGlob(`${"*".repeat(2)}x`, "x".repeat(2000))).toBe(true);
  });
});
