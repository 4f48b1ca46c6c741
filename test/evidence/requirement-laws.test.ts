import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import {
  defaultRequirement,
  type EvidenceClass,
  type GroupPolicy,
  type ProvenanceLevel,
  type Requirement,
  tighten,
} from "../../firmware/evidence/index.ts";

const level = fc.constantFrom<ProvenanceLevel>(0, 1, 2, 3);
const small = fc.integer({ min: 0, max: 5 });
const kinds = fc.uniqueArray(fc.constantFrom("gpio_read", "sensor_reading", "mqtt_message", "vm_trace"));
const byType = <T>(value: fc.Arbitrary<T>) =>
  fc.dictionary(fc.constantFrom("reading", "kpi", "state"), value);
const groupPolicy: fc.Arbitrary<GroupPolicy> = fc.record(
  {
    mode: fc.constantFrom<"all" | "vote">("all", "vote"),
    tolerance: fc.constantFrom(0.01, 0.05, 0.5),
    absTolerance: fc.constantFrom(0.1, 1),
    minMembers: small,
    maxSpreadMs: fc.integer({ min: 0, max: 5000 }),
    minAgree: fc.integer({ min: 1, max: 4 }),
    majority: fc.constantFrom(1, 1.3, 2),
  },
  { requiredKeys: ["mode", "tolerance", "minMembers", "maxSpreadMs", "majority"] },
);

const requirement: fc.Arbitrary<Requirement> = fc.record({
  required: fc.boolean(),
  minTrust: fc.double({ min: 0, max: 1, noNaN: true }),
  minCount: small,
  minSources: small,
  maxAgeMs: fc.option(fc.integer({ min: 0, max: 1_000_000 })),
  minLevel: level,
  requiredKinds: kinds,
  accept: fc.uniqueArray(fc.constantFrom<EvidenceClass>("observation", "attested", "derived")),
  minKinds: fc.option(fc.record({ kinds, min: small })),
  requireClaims: fc.boolean(),
  requireGroups: fc.boolean(),
  maxClaims: fc.integer({ min: 0, max: 64 }),
  minLevelByType: byType(level),
  freshnessMsByType: byType(fc.integer({ min: 0, max: 5000 })),
  defaultFreshnessMs: fc.integer({ min: 0, max: 5000 }),
  groups: fc.dictionary(fc.constantFrom("bath", "tank"), groupPolicy),
  relations: fc.uniqueArray(
    fc.record({
      rel: fc.constantFrom("leq", "equal"),
      a: fc.constantFrom("x", "y"),
      b: fc.constantFrom("z", 1),
    }),
    { selector: canonicalize },
  ),
  points: fc.record({
    minDistinctSources: small,
    minTotalTrust: small,
    maxPointsPerSource: small,
    minPointsPerClaim: small,
    byType: byType(fc.record({ minDistinctSources: small, minTotalTrust: small })),
  }),
});

/** Lists whose order means nothing are sorted, so that only meaning is compared. */
function normal(r: Requirement): string {
  return canonicalize({
    ...r,
    requiredKinds: [...r.requiredKinds].sort(),
    accept: [...r.accept].sort(),
    minKinds: r.minKinds && { ...r.minKinds, kinds: [...r.minKinds.kinds].sort() },
    relations: r.relations.map(canonicalize).sort(),
  });
}

const freshnessOf = (r: Requirement, type: string) =>
  (r.freshnessMsByType[type] ?? r.defaultFreshnessMs) || Number.POSITIVE_INFINITY;
const ageOf = (r: Requirement) => r.maxAgeMs ?? Number.POSITIVE_INFINITY;

function loosened(before: Requirement, after: Requirement): string[] {
  const checks: Readonly<Record<string, boolean>> = {
    required: after.required || !before.required,
    minTrust: after.minTrust >= before.minTrust,
    minCount: after.minCount >= before.minCount,
    minSources: after.minSources >= before.minSources,
    maxAgeMs: ageOf(after) <= ageOf(before),
    minLevel: after.minLevel >= before.minLevel,
    requiredKinds: before.requiredKinds.every((kind) => after.requiredKinds.includes(kind)),
    accept: after.accept.every((cls) => before.accept.includes(cls)),
    minKinds:
      before.minKinds === null ||
      (after.minKinds !== null &&
        after.minKinds.min >= before.minKinds.min &&
        after.minKinds.kinds.every((kind) => before.minKinds?.kinds.includes(kind))),
    requireClaims: after.requireClaims || !before.requireClaims,
    requireGroups: after.requireGroups || !before.requireGroups,
    maxClaims: after.maxClaims <= before.maxClaims,
    freshness: ["reading", "kpi", "other"].every(
      (type) => freshnessOf(after, type) <= freshnessOf(before, type),
    ),
    levels: Object.entries(before.minLevelByType).every(
      ([type, min]) => (after.minLevelByType[type] ?? 0) >= min,
    ),
    groups: Object.entries(before.groups).every(([name, policy]) => {
      const now = after.groups[name];
      return (
        now !== undefined &&
        now.tolerance <= policy.tolerance &&
        (policy.mode === "vote" || now.mode === "all")
      );
    }),
    points: ["reading", "other"].every((type) => {
      const was = before.points.byType[type] ?? before.points;
      const is = after.points.byType[type] ?? after.points;
      return is.minTotalTrust >= was.minTotalTrust && is.minDistinctSources >= was.minDistinctSources;
    }),
    relations: after.relations.length >= before.relations.length,
  };
  return Object.keys(checks).filter((name) => !checks[name]);
}

describe("tighten", () => {
  it("is never looser than any of its layers", () => {
    fc.assert(
      fc.property(requirement, requirement, (a, b) => {
        const both = tighten(a, b);
        expect([...loosened(a, both), ...loosened(b, both)]).toEqual([]);
      }),
    );
  });

  it("is commutative", () => {
    fc.assert(
      fc.property(requirement, requirement, (a, b) => normal(tighten(a, b)) === normal(tighten(b, a))),
    );
  });

  it("is associative", () => {
    fc.assert(
      fc.property(requirement, requirement, requirement, (a, b, c) => {
        expect(normal(tighten(tighten(a, b), c))).toBe(normal(tighten(a, tighten(b, c))));
      }),
    );
  });

  it("is idempotent", () => {
    fc.assert(fc.property(requirement, (a) => normal(tighten(a, a)) === normal(a)));
  });

  it("leaves its layers alone and freezes its result to the bottom", () => {
    const base = defaultRequirement("gpio.write");
    const layer = { requiredKinds: ["gpio_read"], groups: {} };
    const tight = tighten(base, layer);
    expect(base.requiredKinds).toEqual([]);
    expect(Object.isFrozen(tight.requiredKinds) && Object.isFrozen(tight.points.byType)).toBe(true);
    expect(Object.isFrozen(layer.requiredKinds)).toBe(false);
  });

  it("demands claims of replies and derived evidence of nothing that moves a pin", () => {
    expect(defaultRequirement("RESPOND")).toMatchObject({ requireClaims: true });
    expect(defaultRequirement("i2c.write").accept).toEqual(["observation", "attested"]);
  });
});
