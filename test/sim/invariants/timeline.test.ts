import fc from "fast-check";
import { expect, it } from "vitest";
import type { Life } from "../../../sim/harness/invariants/index.ts";
import { Timeline } from "../../../sim/harness/invariants/timeline.ts";
import { readOscillator } from "../../../sim/time/clock-reading.ts";

const WALL_ZERO_MS = 1_700_000_000_000;
/** Whole ms of both clocks, and the whole ms in which the harness notes an offset. */
const PRECISION_US = 2001;

function lifeOf(ppm: number, fromUs: number, jump: { readonly atUs: number; readonly byMs: number }): Life {
  const state = { wall0Ms: WALL_ZERO_MS, ppm, bootAtUs: fromUs, jumps: [jump] };
  const offset = (atUs: number) => ({
    fromUs: atUs,
    wallMinusTrueMs: readOscillator(state, atUs).wallMs - Math.floor(atUs / 1000),
  });
  const offsets = [offset(fromUs), offset(jump.atUs)];
  return {
    number: 1,
    fromUs,
    bootId: "b",
    ppm,
    startedUs: fromUs,
    untilUs: null,
    end: null,
    offsets,
    trace: [],
  };
}

const times = fc.record({
  ppm: fc.integer({ min: -40, max: 40 }),
  fromUs: fc.integer({ min: 0, max: 3_600_000_000 }),
  beforeJumpUs: fc.integer({ min: 1, max: 3_600_000_000 }),
  laterUs: fc.integer({ min: 0, max: 3_600_000_000 }),
  byMs: fc.integer({ min: 0, max: 600_000 }),
});

it("gives back the true time of what a device's clocks showed, drift and corrections included", () => {
  fc.assert(
    fc.property(times, ({ ppm, fromUs, beforeJumpUs, laterUs, byMs }) => {
      const jump = { atUs: fromUs + beforeJumpUs, byMs };
      const timeline = new Timeline([lifeOf(ppm, fromUs, jump)]);
      const [life] = [lifeOf(ppm, fromUs, jump)];
      for (const atUs of [fromUs + Math.floor(beforeJumpUs / 2), jump.atUs + laterUs]) {
        const state = { wall0Ms: WALL_ZERO_MS, ppm, bootAtUs: fromUs, jumps: [jump] };
        const { monoMs, wallMs } = readOscillator(state, atUs);
        const byMono = timeline.ofMono("b", monoMs ?? 0) ?? Number.NaN;
        expect(Math.abs(byMono - atUs)).toBeLessThan(PRECISION_US);
        const byWall = timeline.ofWall(life, wallMs) ?? Number.NaN;
        expect(Math.abs(byWall - atUs)).toBeLessThan(PRECISION_US);
        expect(Math.abs((timeline.wallAt(atUs) ?? 0) - wallMs)).toBeLessThanOrEqual(2);
      }
    }),
  );
});

it("knows nothing of lives that nobody saw", () => {
  const timeline = new Timeline([]);
  expect(timeline.ofMono("b", 1)).toBeNull();
  expect(timeline.wallAt(1)).toBeNull();
});
