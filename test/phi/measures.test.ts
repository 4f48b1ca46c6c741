import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { percentile } from "../../firmware/core/percentile.ts";
import { detectSpike, type KpiOutcome, KpiWindow, kpiStats, regression } from "../../firmware/phi/index.ts";

const window = (samples = 500) =>
  new KpiWindow({ name: "guard", bucket: "default", windowMs: 60_000, samples, startedAt: 0 });

describe("a KPI window", () => {
  it("agrees with the statistics over the list of samples while the ring has not wrapped", () => {
    const outcome = fc.constantFrom<KpiOutcome>("ok", "refused", "error");
    const samples = fc.array(fc.record({ at: fc.nat(59_999), outcome, latencyMs: fc.option(fc.nat(5000)) }), {
      maxLength: 100,
    });
    fc.assert(
      fc.property(samples, (list) => {
        const sorted = [...list].sort((a, b) => a.at - b.at);
        const ring = window();
        for (const sample of sorted) ring.add(sample);
        const period = { now: 60_000, windowMs: 60_000, startedAt: 0 };

        expect(ring.stats(60_000)).toEqual(kpiStats(sorted, period, { name: "guard", bucket: "default" }));
      }),
    );
  });

  it("keeps exact counts and the newest latencies when the ring has wrapped", () => {
    const ring = window(10);
    for (let i = 0; i < 100; i++) ring.add({ at: 1000 + i, outcome: "ok", latencyMs: i });

    expect(ring.stats(2000)).toMatchObject({ count: 100, latencyCount: 10, latency: { p50: 94.5, max: 99 } });
  });

  it("forgets what lies before the window", () => {
    const ring = window();
    ring.add({ at: 500, outcome: "error", latencyMs: 7 });

    expect(ring.stats(60_500)).toMatchObject({ count: 1, errorRate: 1, latencyCount: 1 });
    expect(ring.stats(62_000)).toMatchObject({ count: 0, errorRate: null, latency: null });
    ring.add({ at: 61_500, outcome: "ok", latencyMs: 1 });
    expect(ring.stats(62_000)).toMatchObject({ count: 1, errors: 0 });
  });

  it("counts a request with a bad latency but not the latency", () => {
    const ring = window();
    ring.add({ at: 1, outcome: "ok", latencyMs: -1 });
    ring.add({ at: 1, outcome: "ok", latencyMs: Number.NaN });

    expect(ring.stats(2)).toMatchObject({ count: 2, latencyCount: 0, latency: null });
    expect(ring.badSamples).toBe(2);
  });

  it("does not divide by a window that has not passed yet", () => {
    const ring = window();
    for (let i = 0; i < 10; i++) ring.add({ at: i, outcome: "ok", latencyMs: 1 });

    expect(ring.stats(5000).rps).toBe(2);
    expect(ring.stats(100).rps).toBe(10);
  });
});

describe("measures", () => {
  it("give a percentile between the smallest and the largest sample, rising with p", () => {
    const sorted = fc.array(fc.nat(1000), { minLength: 1 }).map((list) => list.sort((a, b) => a - b));
    fc.assert(
      fc.property(sorted, fc.double({ min: 0, max: 1, noNaN: true }), (list, p) => {
        const value = percentile(list, p) ?? Number.NaN;
        expect(value).toBeGreaterThanOrEqual(list[0] ?? 0);
        expect(value).toBeLessThanOrEqual(list[list.length - 1] ?? 0);
        expect(percentile(list, 1)).toBeGreaterThanOrEqual(value);
      }),
    );
  });

  it("do not call a change safe when a rate is missing", () => {
    const side = { count: 100, p95: 1, errorRate: 0, schemaErrorRate: 0 };

    expect(regression(side, { ...side, errorRate: null })).toMatchObject({ ok: false });
    expect(regression(side, side)).toMatchObject({ ok: true, reasons: [] });
  });

  it("need a smallest difference that may count as a spike", () => {
    expect(() => detectSpike([1, 2], { minDelta: 0 })).toThrow(
      expect.objectContaining({ code: "out_of_range" }),
    );
  });
});
