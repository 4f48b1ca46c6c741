import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  abVerify,
  choose,
  contextHash,
  DEFAULT_NORMS,
  DEFAULT_WEIGHTS,
  DIMENSIONS,
  emptyLearnState,
  epsilonFor,
  front,
  isBetter,
  movingAverage,
  multiScore,
  observe,
  runScore,
  suitePass,
  suiteScore,
  weightsFor,
} from "../../firmware/phi/index.ts";

const amount = fc.double({ min: 0, max: 1e6, noNaN: true });
const intent = fc.constantFrom("realtime", "batch", "mobile", "sensitive", "cost_saver", "gpu", "ui");
const run = { error: false, p95Ms: 1, cpuSteps: 1, memKb: 1, ioCalls: 1 };

describe("weights", () => {
  it("sum to 1, whatever the order and repetition of intents", () => {
    const policy = fc.dictionary(fc.constantFrom(...DIMENSIONS), fc.double({ min: 0, max: 5, noNaN: true }));
    fc.assert(
      fc.property(policy, fc.array(intent), (values, intents) => {
        const result = weightsFor(values, intents);
        if (!result.ok) {
          expect(result.code).toBe("phi_weights_zero");
          return;
        }
        const sum = Object.values(result.weights).reduce((a, b) => a + b, 0);
        expect(Math.abs(sum - 1)).toBeLessThan(1e-12);
        expect(weightsFor(values, [...intents, ...intents].reverse())).toEqual(result);
      }),
    );
  });

  it("refuse what is not a weight", () => {
    expect(weightsFor({ cost: -1 }, [])).toMatchObject({ code: "out_of_range" });
    expect(weightsFor({ cost: Number.POSITIVE_INFINITY }, [])).toMatchObject({ code: "out_of_range" });
    expect(weightsFor({}, ["toString"])).toMatchObject({ code: "unknown_intent" });
    const zero = Object.fromEntries(DIMENSIONS.map((dimension) => [dimension, 0]));
    expect(weightsFor(zero, [])).toMatchObject({ code: "phi_weights_zero" });
  });
});

describe("scores", () => {
  it("never get better when an ok run becomes a failed one", () => {
    const metrics = fc.record({ p95Ms: amount, cpuSteps: amount, memKb: amount, ioCalls: amount });
    fc.assert(
      fc.property(fc.array(metrics, { minLength: 1, maxLength: 6 }), fc.nat(5), (runs, which) => {
        const index = which % runs.length;
        const before = runs.map((r) => runScore({ ...r, error: false }).phi);
        const after = runs.map((r, i) => runScore({ ...r, error: i === index }).phi);
        const [a, b] = [suiteScore(before), suiteScore(after)];
        if (a.phi === null || b.phi === null) throw new Error("complete runs have a score");
        expect(b.phi).toBeGreaterThanOrEqual(a.phi - 1e-9);
        expect(b.tail).toBeGreaterThanOrEqual(a.tail);
      }),
    );
  });

  it.each([
    ["negative", { ...run, cpuSteps: -1 }, ["cpuSteps"]],
    ["not finite", { ...run, memKb: Number.NaN }, ["memKb"]],
    ["a bad p95 beside a good latency", { ...run, p95Ms: -1, latencyMs: 5 }, ["latency"]],
  ])("are the worst when a metric is %s", (_, metrics, missing) => {
    expect(runScore(metrics)).toEqual({ phi: null, missing });
  });

  it("of a window lie between 0 and 1", () => {
    const maybe = fc.option(fc.oneof(amount, fc.double()));
    const metrics = fc.record({
      p95Ms: maybe,
      costUnits: maybe,
      errorRate: maybe,
      sessionTrust: maybe,
      energyUnits: maybe,
      memKb: maybe,
    });
    fc.assert(
      fc.property(metrics, (values) => {
        const { phi } = multiScore(values, DEFAULT_WEIGHTS, DEFAULT_NORMS);
        expect(phi).toBeGreaterThanOrEqual(0);
        expect(phi).toBeLessThanOrEqual(1 + 1e-12);
      }),
    );
  });

  it("are compared with null as the worst and within 1e-9 as equal", () => {
    expect(isBetter(1, null)).toBe(true);
    expect(isBetter(null, 1)).toBe(false);
    expect(isBetter(null, null)).toBe(false);
    expect(isBetter(1 - 1e-10, 1)).toBe(false);
  });

  it("carry the context they were made in", () => {
    const other = { ...DEFAULT_NORMS, latency: 999 };
    expect(contextHash(DEFAULT_WEIGHTS, DEFAULT_NORMS, 1)).not.toBe(contextHash(DEFAULT_WEIGHTS, other, 1));
  });
});

describe("the Pareto front", () => {
  it("holds nobody that a member dominates and misses nobody that no member dominates", () => {
    const vector = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 3 });
    const beats = (a: number[], b: number[]) =>
      a.every((v, i) => v <= (b[i] ?? 0)) && a.some((v, i) => v < (b[i] ?? 0));
    fc.assert(
      fc.property(fc.array(vector, { maxLength: 12 }), (vectors) => {
        const members = front(vectors);
        for (const [i, candidate] of vectors.entries()) {
          const beaten = members.some((m) => beats(vectors[m] ?? [], candidate));
          expect(members.includes(i)).toBe(!beaten);
        }
      }),
    );
  });

  it("drops what is not finite", () => {
    expect(
      front([
        [Number.NaN, 0],
        [1, 1],
      ]),
    ).toEqual([1]);
  });
});

describe("verdicts", () => {
  const metrics = { p95Ms: 1, costUnits: 1, errorRate: 0, sessionTrust: 1, energyUnits: 1, memKb: 1 };
  const context = { weights: DEFAULT_WEIGHTS, norms: DEFAULT_NORMS };

  it("leave out who failed a gate or lacks a metric, and name why", () => {
    const gated = { id: "g", metrics, failedGates: ["shadow_failed"] };
    const blind = { id: "b", metrics: { ...metrics, errorRate: null } };

    expect(choose({ id: "a", metrics }, [gated, blind], context)).toMatchObject({
      ok: true,
      chosen: "a",
      rejected: [
        { id: "g", reasons: ["shadow_failed"] },
        { id: "b", reasons: ["phi_metric_missing:errors"] },
      ],
    });
    expect(choose(null, [gated], context)).toMatchObject({ ok: false, code: "no_candidates" });
  });

  it("need every threshold and the same runs on both sides", () => {
    const side = { count: 20, errorRate: 0, p95Ms: 1 };

    expect(abVerify(side, side, { maxErrorRate: 0.1, maxP95Ms: 5 })).toMatchObject({
      code: "threshold_missing",
    });
    expect(suitePass([1], [1, 1], "no_regression")).toMatchObject({ code: "insufficient_data" });
    expect(suitePass([1], [null], "no_regression")).toMatchObject({ code: "phi_metric_missing" });
  });

  it("refuse a longer tail that the mean forgives", () => {
    const active = Array.from({ length: 20 }, () => 1);
    const candidate = active.map((_, i) => (i < 18 ? 0.5 : 2));

    expect(suitePass(active, candidate, "improve")).toMatchObject({ code: "phi_tail_regression" });
  });

  it("promote a steadily better candidate at its 20th value, however many others run between", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 20, maxLength: 20 }), (gaps) => {
        let state = emptyLearnState;
        for (let i = 0; i < 20; i++) state = observe(state, "old", 1).state;
        const verdicts = gaps.map((others) => {
          for (let i = 0; i < others; i++) state = observe(state, `other${i}`, 5).state;
          const update = observe(state, "new", 0.99);
          state = update.state;
          return update.verdict;
        });
        expect(verdicts.indexOf("promote")).toBe(19);
      }),
    );
  });

  it("remember at most 64 candidates and never forget the incumbent", () => {
    let state = observe(emptyLearnState, "old", 1).state;
    for (let i = 0; i < 100; i++) state = observe(state, `c${i}`, 1).state;

    expect(state.histories).toHaveLength(64);
    expect(state.histories.map(([id]) => id)).toContain("old");
    expect(state.histories.map(([id]) => id)).not.toContain("c0");
  });

  it("refuse windows and intents that do not exist", () => {
    expect(() => movingAverage([1], 0)).toThrow(expect.objectContaining({ code: "out_of_range" }));
    expect(epsilonFor(["fast"], 0)).toMatchObject({ code: "unknown_intent" });
  });
});
