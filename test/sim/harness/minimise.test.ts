/** Shrinking against a made-up device that fails exactly if the scenario holds what it needs to fail. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import { minimise } from "../../../sim/harness/minimise.ts";
import type { RunOutcome } from "../../../sim/harness/outcome.ts";
import type { InvariantId, Violation } from "../../../sim/harness/violations.ts";
import { durationUs } from "../../../sim/scenario/duration.ts";

const secondsOf = (document: JsonObject): number => (durationUs(String(document.duration)) ?? 0) / 1e6;

function outcome(document: JsonObject, violation: Violation | null): RunOutcome {
  const violations = violation === null ? [] : [violation];
  return {
    scenario: "made-up",
    file: "made-up.yaml",
    seed: "1",
    varied: {},
    simulatedUs: violation?.atUs ?? secondsOf(document) * 1e6,
    events: 0,
    records: 0,
    traceHash: "",
    devices: 1,
    ok: violation === null,
    violations,
    finding: violation === null ? null : { violation, device: null, first: null, tail: [] },
    error: null,
    warnings: [],
    counts: {},
  };
}

const violationOf = (id: InvariantId, atS: number, details: JsonObject = {}): Violation => ({
  id,
  what: id,
  actor: null,
  atUs: atS * 1e6,
  details,
});

interface Cause {
  readonly entries: readonly number[];
  readonly devices: number;
  /** Seconds after which it fails. */
  readonly afterS: number;
}

const entriesOf = (document: JsonObject): readonly number[] => (document.timeline ?? []) as readonly number[];
const countOf = (document: JsonObject): number =>
  ((document.devices as readonly JsonObject[])[0]?.count ?? 1) as number;

/** Fails with I4 if everything of the cause is there, and with I2 if at least the first entry is. */
const device = (cause: Cause) => async (document: JsonObject) => {
  const has = (entry: number): boolean => entriesOf(document).includes(entry);
  const isWhole = cause.entries.every(has) && countOf(document) >= cause.devices;
  if (isWhole && secondsOf(document) >= cause.afterS)
    return outcome(document, violationOf("I4", cause.afterS));
  const [first] = cause.entries;
  return outcome(document, first !== undefined && has(first) ? violationOf("I2", 1) : null);
};

const scenario = (timeline: readonly number[], count: number, seconds: number): JsonObject => ({
  name: "made-up",
  duration: `${seconds}s`,
  devices: [{ prefix: "a-", count }],
  timeline: [...timeline],
  expect: [{ always: "true" }],
});

describe("minimise", () => {
  test("what is left is exactly the cause, and breaks the same rule", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 24 }),
        fc.integer({ min: 0, max: 0xffffff }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 1, max: 60 }),
        async (length, mask, devices, moreDevices, afterS) => {
          const timeline = Array.from({ length }, (_, index) => index);
          const cause = { entries: timeline.filter((entry) => (mask >> entry) & 1), devices, afterS };
          const result = await minimise(scenario(timeline, devices + moreDevices, afterS + 100), {
            attempt: device(cause),
            maxRuns: 10_000,
          });

          expect(result?.key).toBe("I4");
          expect(entriesOf(result?.document ?? {})).toEqual(cause.entries);
          expect(countOf(result?.document ?? {})).toBe(devices);
          expect(secondsOf(result?.document ?? {})).toBe(afterS);
        },
      ),
      { numRuns: 60 },
    ));

  test("a cause of one entry among 64 costs no more than a few times the logarithm", async () => {
    const timeline = Array.from({ length: 64 }, (_, index) => index);
    const result = await minimise(scenario(timeline, 1, 10), {
      attempt: device({ entries: [41], devices: 1, afterS: 10 }),
      maxRuns: 1000,
    });

    expect(entriesOf(result?.document ?? {})).toEqual([41]);
    expect(result?.runs).toBeLessThan(30);
  });

  test("the budget of runs is kept, and what was reached by then is given", async () => {
    const timeline = Array.from({ length: 64 }, (_, index) => index);
    const result = await minimise(scenario(timeline, 1, 10), {
      attempt: device({ entries: [63], devices: 1, afterS: 10 }),
      maxRuns: 2,
    });

    expect(result?.runs).toBe(2);
    expect(entriesOf(result?.document ?? {})).toHaveLength(32);
  });

  test("a scenario that does not fail is not shrunk", async () => {
    const attempt = async (document: JsonObject) => outcome(document, null);

    expect(await minimise(scenario([1], 1, 10), { attempt, maxRuns: 10 })).toBeNull();
  });

  test("an expectation is the same one after others were dropped; one of the end keeps the duration", async () => {
    const expectations: readonly Json[] = [{ always: "a" }, { eventually: "b" }, { always: "c" }];
    const attempt = async (document: JsonObject) => {
      const index = (document.expect as readonly JsonObject[]).findIndex(
        ({ eventually }) => eventually === "b",
      );
      return index < 0 ? null : outcome(document, violationOf("E", secondsOf(document), { index }));
    };
    const document = { ...scenario([1, 2], 3, 50), expect: [...expectations] };
    const result = await minimise(document, { attempt, maxRuns: 100 });

    expect(result?.document).toMatchObject({ expect: [{ eventually: "b" }], duration: "50s" });
    expect(result?.document.timeline).toBeUndefined();
  });
});
