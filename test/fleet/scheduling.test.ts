import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairScheduler } from "../../firmware/core/fair-scheduler.ts";
import { MinHeap } from "../../firmware/core/min-heap.ts";
import { isTopicFilter, topicMatches } from "../../firmware/core/topic-filter.ts";

describe("fair scheduling", () => {
  it("shares bytes by weight however large the messages are", () => {
    const costs = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 400, maxLength: 400 });
    fc.assert(
      fc.property(costs, costs, (a, b) => {
        const scheduler = new FairScheduler({ a: 4, b: 1 });
        const served = { a: 0, b: 0 };
        const at = { a: 0, b: 0 };
        for (let i = 0; i < 300; i++) {
          const heads = [
            { flow: "a", seq: 2 * at.a, cost: a[at.a] ?? 1 },
            { flow: "b", seq: 2 * at.b + 1, cost: b[at.b] ?? 1 },
          ];
          const flow = scheduler.pick(heads) === "a" ? "a" : "b";
          served[flow] += (flow === "a" ? a[at.a] : b[at.b]) ?? 1;
          at[flow]++;
        }
        // Each flow is at most one message of the largest size ahead of its share.
        expect(Math.abs(served.a / 4 - served.b)).toBeLessThanOrEqual(100 / 4 + 100);
      }),
    );
  });

  it("gives no credit for silence", () => {
    const scheduler = new FairScheduler({});
    for (let i = 0; i < 50; i++) scheduler.pick([{ flow: "busy", seq: i, cost: 1 }]);
    const order: string[] = [];
    for (let i = 0; i < 6; i++) {
      const heads = ["busy", "late"].map((flow, n) => ({ flow, seq: 100 + 2 * i + n, cost: 1 }));
      order.push(scheduler.pick(heads) ?? "");
    }
    expect(order.filter((flow) => flow === "late").length).toBe(3);
    expect(scheduler.pick([])).toBeNull();
  });
});

describe("the heap", () => {
  it("gives numbers back in order", () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), (numbers) => {
        const heap = new MinHeap();
        for (const number of numbers) heap.push(number);
        const out: number[] = [];
        for (let next = heap.pop(); next !== null; next = heap.pop()) out.push(next);
        expect(out).toEqual([...numbers].sort((a, b) => a - b));
      }),
    );
  });
});

describe("topic filters", () => {
  it.each([
    ["a/+/c", "a/b/c", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["#", "$SYS/load", false],
    ["+/load", "$SYS/load", false],
    ["a/+", "a", false],
    ["a/+", "a/b/c", false],
    ["a/b", "a/bc", false],
  ])("%s and %s: %s", (filter, topic, expected) => {
    expect(topicMatches(filter, topic)).toBe(expected);
  });

  it("hold wildcards only as whole levels, the many-level one last", () => {
    expect(["a/+/b", "#", "a/#"].every(isTopicFilter)).toBe(true);
    expect(["a/b+", "a/#/b", "a#", "", "a\0"].some(isTopicFilter)).toBe(false);
  });
});
