/** How long the host's event loop is held while programs burn their whole quota again and again. */
import { askChild } from "../../../lib/child.ts";
import type { Progress } from "../../../lib/suite.ts";
import type { Delays } from "../children/figures.ts";

export interface LoopDelay {
  /** Runs that came to the end of their quota. */
  readonly runs: number;
  /** Milliseconds a 1 ms timer came too late. */
  readonly timers: Delays;
  /** Milliseconds from setImmediate to its callback. */
  readonly turns: Delays;
  /** `perf_hooks.monitorEventLoopDelay`, its own interval of 1 ms included. */
  readonly monitor: Delays;
}

export interface LoopDelayCase extends LoopDelay {
  readonly load: string;
  readonly programs: number;
  readonly seconds: number;
}

interface Case {
  readonly load: string;
  readonly programs: number;
}

const CASES: readonly Case[] = [
  { load: "idle", programs: 0 },
  { load: "tiered", programs: 1 },
  { load: "tiered", programs: 16 },
  { load: "compiled", programs: 1 },
  { load: "compiled", programs: 16 },
  { load: "quickjs", programs: 16 },
];

const CHILD = new URL("../children/event-loop.js", import.meta.url);

/** The larger of what timers and turns saw; the monitor's figure is left out as it holds its interval. */
export const worst = (delay: LoopDelay, of: keyof Delays): number =>
  Math.max(delay.timers[of], delay.turns[of]);

/** One process after another, so that none disturbs the next. */
export async function measureLoopDelay(
  seconds: number,
  withQuickJs: boolean,
  progress: Progress,
): Promise<readonly LoopDelayCase[]> {
  const cases: LoopDelayCase[] = [];
  for (const { load, programs } of CASES) {
    if (load === "quickjs" && !withQuickJs) continue;
    const time = load === "idle" || load === "quickjs" ? Math.min(3, seconds) : seconds;
    progress(`loop-delay: ${load}, ${programs} at once, ${time} s`);
    const answer = await askChild(CHILD, [load, String(programs), String(time)]);
    const { runs, timers, turns, monitor } = answer as LoopDelay & typeof answer;
    cases.push({ load, programs, seconds: time, runs, timers, turns, monitor });
  }
  return cases;
}
