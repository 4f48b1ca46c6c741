import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  BUILT_IN_KINDS,
  defaultRequirement,
  type EvidenceClass,
  type GuardInput,
  type GuardRecord,
  type GuardVerdict,
  guard,
  type ProvenanceLevel,
  type Requirement,
} from "../../firmware/evidence/index.ts";

const goodRecord = (change: Partial<GuardRecord> = {}): GuardRecord => ({
  id: "e1",
  kind: "sensor_reading",
  source: "i2c://1/0x76",
  origin: "i2c://1/0x76",
  foreign: false,
  integrity: () => true,
  level: () => 2,
  rawAgeMs: 0,
  ts: 0,
  ttlMs: 600_000,
  sourceTrust: 0.95,
  reputation: 1,
  points: 5,
  payload: () => ({ value: 1 }),
  ...change,
});

const PIN = defaultRequirement("gpio.write");
const input = (records: readonly GuardRecord[], requirement: Requirement | null = PIN): GuardInput => ({
  effect: "gpio.write",
  requirement,
  records,
  kinds: BUILT_IN_KINDS,
});

/** Situations in which no output may move. */
const MUST_REFUSE: Readonly<Record<string, GuardInput>> = {
  "no evidence": input([]),
  "no requirement": input([goodRecord()], null),
  "a requirement that is no number": input([goodRecord()], { ...PIN, minCount: Number.NaN }),
  "bookkeeping only": input([goodRecord({ kind: "phi_charge" }), goodRecord({ kind: "run_start" })]),
  "a trigger nobody named": input([goodRecord({ kind: "schedule_tick" })]),
  "the effect's own result": input([goodRecord({ kind: "gpio_write" })]),
  "an unknown kind": input([goodRecord({ kind: "constructor" })]),
  "evidence of another run": input([goodRecord({ foreign: true })]),
  "a broken seal": input([goodRecord({ integrity: () => false })]),
  "evidence from the future": input([goodRecord({ rawAgeMs: -2001 })]),
  "an age that is no number": input([goodRecord({ rawAgeMs: Number.NaN })]),
  "stale evidence": input([goodRecord({ rawAgeMs: 600_001 })]),
  "weak evidence": input([goodRecord({ sourceTrust: 0.69 })]),
  "trust that is no number": input([goodRecord({ sourceTrust: Number.NaN })]),
  "a source with a bad reputation": input([goodRecord({ reputation: 0.5 })]),
  "an unregistered source": input([goodRecord({ level: () => 0 })]),
  "one witness where two are needed": input([goodRecord(), goodRecord({ id: "e2" })], {
    ...PIN,
    minSources: 2,
  }),
  "a missing required kind": input([goodRecord()], { ...PIN, requiredKinds: ["gpio_read"] }),
  "missing claims": input([goodRecord()], { ...PIN, requireClaims: true }),
  "a guard that throws": input([
    goodRecord({
      level: () => {
        throw new Error("broken");
      },
    }),
  ]),
};

const passedBy = (judge: (input: GuardInput) => GuardVerdict): string[] =>
  Object.entries(MUST_REFUSE).flatMap(([name, situation]) => (judge(situation).ok ? [name] : []));

describe("the guard", () => {
  it("refuses every situation in which no output may move", () => {
    expect(passedBy(guard)).toEqual([]);
  });

  it("is really exercised by these situations: a guard that is skipped passes all of them", () => {
    expect(passedBy(() => ({ ok: true, valid: [], trust: 1 }))).toEqual(Object.keys(MUST_REFUSE));
  });

  it("is not vacuous the other way round: good evidence passes", () => {
    expect(guard(input([goodRecord()]))).toEqual({ ok: true, valid: ["e1"], trust: 0.95 });
  });

  it("never shows the text of what was thrown", () => {
    const broken = MUST_REFUSE["a guard that throws"] ?? input([]);
    expect(guard(broken)).toEqual({ ok: false, reason: "guard_error", details: { why: "internal" } });
  });

  const bookkeeping = BUILT_IN_KINDS.kinds().filter(
    (kind) => BUILT_IN_KINDS.get(kind)?.class === "bookkeeping",
  );
  const classes: EvidenceClass[] = ["observation", "attested", "derived", "trigger", "effect", "bookkeeping"];
  const anyRecord = fc
    .record({
      kind: fc.constantFrom(...BUILT_IN_KINDS.kinds()),
      rawAgeMs: fc.integer({ min: -5000, max: 10_000 }),
      sourceTrust: fc.double({ min: 0, max: 1, noNaN: true }),
      level: fc.constantFrom<ProvenanceLevel>(0, 1, 2, 3),
    })
    .map(({ level, ...rest }) => goodRecord({ ...rest, level: () => level }));

  it("never passes a required effect on bookkeeping, even where policy names its kinds", () => {
    const named = fc.constantFrom(...bookkeeping);
    fc.assert(
      fc.property(fc.array(named, { maxLength: 8 }), fc.array(named, { maxLength: 3 }), (kinds, required) => {
        const records = kinds.map((kind, i) => goodRecord({ id: `e${i}`, kind }));
        const requirement = { ...PIN, requiredKinds: required, accept: classes };
        expect(guard(input(records, requirement)).ok).toBe(false);
      }),
    );
  });

  it("never passes on evidence of other runs, however good", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 10 }), (records) => {
        const foreign = records.map((record) => ({ ...record, foreign: true }));
        expect(guard(input(foreign, { ...PIN, accept: classes })).ok).toBe(false);
      }),
    );
  });

  it("never passes under a stricter minimum of trust what it refuses under a laxer one", () => {
    const trust = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 6 }), trust, trust, (records, a, b) => {
        const strict = guard(input(records, { ...PIN, minTrust: Math.max(a, b) }));
        const lax = guard(input(records, { ...PIN, minTrust: Math.min(a, b) }));
        expect(!strict.ok || lax.ok).toBe(true);
      }),
    );
  });

  it("does not depend on the order of the evidence", () => {
    fc.assert(
      fc.property(fc.array(anyRecord, { maxLength: 8 }), (records) => {
        const named = records.map((record, i) => ({ ...record, id: `e${i}` }));
        const forwards = guard(input(named));
        const backwards = guard(input([...named].reverse()));
        expect(backwards.ok).toBe(forwards.ok);
        if (!forwards.ok && !backwards.ok) expect(backwards).toEqual(forwards);
      }),
    );
  });
});
