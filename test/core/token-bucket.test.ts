import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TokenBucket, takeAll } from "../../firmware/core/token-bucket.ts";

describe("a token bucket", () => {
  it("refuses more than its burst for ever", () => {
    const bucket = new TokenBucket({ rps: 1, burst: 2 }, 0);

    expect(bucket.take(3, 0)).toEqual({ ok: false, code: "exceeds_burst", retryAfterMs: null });
    expect(bucket.available(0)).toBe(2);
  });

  it("says null when its rate is zero and it is empty", () => {
    const bucket = new TokenBucket({ rps: 0, burst: 1 }, 0);
    bucket.take(1, 0);

    expect(bucket.take(1, 1_000_000)).toMatchObject({ code: "rate_limited", retryAfterMs: null });
  });

  it("earns nothing from a clock that steps back and no time twice", () => {
    const bucket = new TokenBucket({ rps: 1, burst: 1 }, 5000);
    bucket.take(1, 5000);

    expect(bucket.take(1, 0).ok).toBe(false);
    expect(bucket.take(1, 5999).ok).toBe(false);
    expect(bucket.take(1, 6000).ok).toBe(true);
  });

  it("keeps its level, cut to the new burst, when it is reconfigured", () => {
    const bucket = new TokenBucket({ rps: 1, burst: 10 }, 0);
    bucket.reconfigure({ rps: 1, burst: 4 }, 0);
    bucket.take(3, 0);
    bucket.reconfigure({ rps: 1, burst: 100 }, 0);

    expect(bucket.available(0)).toBe(1);
  });

  it.each([
    { rps: -1, burst: 1 },
    { rps: Number.NaN, burst: 1 },
    { rps: 0.0001, burst: 1 },
    { rps: 1, burst: 0 },
    { rps: 1, burst: 1.5 },
  ])("refuses the rate $rps with burst $burst", (rate) => {
    expect(() => new TokenBucket(rate, 0)).toThrow(expect.objectContaining({ code: "out_of_range" }));
  });

  it("never lets through more than burst plus rate times time, and lets through exactly at retryAfterMs", () => {
    const steps = fc.array(fc.record({ wait: fc.nat(500), n: fc.integer({ min: 1, max: 3 }) }));
    const rates = fc.record({
      milli: fc.integer({ min: 1, max: 50_000 }),
      burst: fc.integer({ min: 3, max: 9 }),
    });
    fc.assert(
      fc.property(rates, steps, ({ milli, burst }, takes) => {
        const bucket = new TokenBucket({ rps: milli / 1000, burst }, 0);
        let [now, taken] = [0, 0];
        for (const { wait, n } of takes) {
          now += wait;
          let verdict = bucket.take(n, now);
          if (!verdict.ok) {
            const retry = verdict.retryAfterMs ?? 0;
            expect(bucket.check(n, now + retry - 1).ok).toBe(false);
            now += retry;
            verdict = bucket.take(n, now);
          }
          expect(verdict.ok).toBe(true);
          taken += n;
          expect(taken * 1_000_000).toBeLessThanOrEqual(burst * 1_000_000 + now * milli);
        }
      }),
    );
  });
});

describe("several buckets", () => {
  it("give all or nothing, name the first that is short and wait for the longest", () => {
    const capability = new TokenBucket({ rps: 100, burst: 5 }, 0);
    const target = new TokenBucket({ rps: 10, burst: 1 }, 0);
    const global = new TokenBucket({ rps: 1, burst: 1 }, 0);
    const takes = [
      { scope: "capability", bucket: capability, n: 1 },
      { scope: "target", bucket: target, n: 1 },
      { scope: "global", bucket: global, n: 1 },
    ];

    expect(takeAll(takes, 0)).toEqual({ ok: true });
    expect(takeAll(takes, 0)).toEqual({
      ok: false,
      code: "rate_limited",
      scope: "target",
      retryAfterMs: 1000,
    });
    expect(capability.available(0)).toBe(4);
  });

  it("wait for ever if one of them never refills", () => {
    const never = new TokenBucket({ rps: 0, burst: 1 }, 0);
    never.take(1, 0);
    const soon = new TokenBucket({ rps: 1, burst: 1 }, 0);
    soon.take(1, 0);

    expect(
      takeAll(
        [
          { scope: "a", bucket: soon, n: 1 },
          { scope: "b", bucket: never, n: 1 },
        ],
        0,
      ),
    ).toMatchObject({ scope: "a", retryAfterMs: null });
  });
});
