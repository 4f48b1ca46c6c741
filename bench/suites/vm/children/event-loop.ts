/**
 * A process of its own that runs endless programs and watches its event loop. Prints one `LoopDelay`.
 * Arguments: load (`idle`, `quickjs` or an executor), programs at once, seconds.
 */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate as nextTurn } from "node:timers/promises";
import { SystemClock } from "../../../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../../../firmware/adapters/system-entropy.ts";
import {
  createMachine,
  type Executor,
  type Limits,
  RunScheduler,
  TIER_LIMITS,
} from "../../../../firmware/vm/index.ts";
import { percentile, significant } from "../../../lib/statistics.ts";
import { verified } from "../engines/imu.ts";
import { ENDLESS } from "../programs/endless.ts";
import type { Delays } from "./figures.ts";

/** The widest quota there is: 2 000 000 steps. */
const LIMITS: Limits = TIER_LIMITS.system;
/** What a plain loop of twelve steps comes to with that quota. */
const LOOP_ITERATIONS = Math.floor(LIMITS.cpuSteps / 12);

interface Load {
  /** Runs that came to their quota, in the right way. */
  runs(): number;
  stop(): Promise<void>;
}

const EXECUTORS: readonly string[] = ["interpreter", "compiled", "tiered"] satisfies Executor[];
const isExecutor = (text: string): text is Executor => EXECUTORS.includes(text);

function schedulerLoad(executor: Executor, programs: number): Load {
  const clock = new SystemClock({ entropy: new SystemEntropy(), floorMs: 0, synchronised: () => true });
  const onFault = (error: unknown): never => {
    throw error;
  };
  const scheduler = new RunScheduler({ clock, onFault });
  const host = { call: () => Promise.reject(new Error("no capabilities")) };
  const end = new AbortController();
  let runs = 0;
  const burn = async (index: number): Promise<void> => {
    const program = verified(ENDLESS[index % ENDLESS.length] ?? null);
    while (!end.signal.aborted) {
      const create = (inputs: { elapsedMs(task: number): number }) =>
        createMachine(program, {
          payload: {},
          trigger: { kind: "command" },
          limits: LIMITS,
          inputs,
          executor,
        });
      const answer = await scheduler.run(create, host, end.signal);
      if (!answer.ok) throw new Error(answer.code);
      const { error, ended } = answer.result;
      if (error?.code === "quota_exceeded") runs++;
      else if (ended !== "cut") throw new Error(`ended ${ended} ${JSON.stringify(error)}`);
    }
  };
  const all = Array.from({ length: programs }, (_, index) => burn(index));
  return {
    runs: () => runs,
    stop: async () => {
      end.abort("shutdown");
      await Promise.all(all);
    },
  };
}

/** QuickJS cannot pause: a call of the same length runs to its end, then the loop gets its turn. */
async function quickJsLoad(programs: number): Promise<Load> {
  const { getQuickJS } = await import("quickjs-emscripten");
  const quickJs = await getQuickJS();
  let stopped = false;
  let runs = 0;
  const burn = async (): Promise<void> => {
    const context = quickJs.newContext();
    const code = `(() => { let i = 0; while (i < ${LOOP_ITERATIONS}) i = i + 1; return i; })()`;
    while (!stopped) {
      context.unwrapResult(context.evalCode(code)).consume((handle) => context.getNumber(handle));
      runs++;
      await nextTurn();
    }
    context.dispose();
  };
  const all = Array.from({ length: programs }, burn);
  return {
    runs: () => runs,
    stop: async () => {
      stopped = true;
      await Promise.all(all);
    },
  };
}

async function startLoad(kind: string, programs: number): Promise<Load> {
  if (isExecutor(kind)) return schedulerLoad(kind, programs);
  if (kind === "quickjs") return await quickJsLoad(programs);
  return { runs: () => 0, stop: () => Promise.resolve() };
}

/** Milliseconds that a timer of 1 ms comes too late, and that a turn of the loop lasts, sampled all the time. */
function probe(): { readonly timers: number[]; readonly turns: number[]; stop(): void } {
  const timers: number[] = [];
  const turns: number[] = [];
  let running = true;
  const timer = (): void => {
    const setAt = performance.now();
    setTimeout(() => {
      timers.push(Math.max(0, performance.now() - setAt - 1));
      if (running) timer();
    }, 1);
  };
  const turn = (): void => {
    const setAt = performance.now();
    setImmediate(() => {
      turns.push(performance.now() - setAt);
      if (running) setTimeout(turn, 1);
    });
  };
  timer();
  turn();
  return {
    timers,
    turns,
    stop: () => {
      running = false;
    },
  };
}

const delays = (ms: readonly number[]): Delays => ({
  p50: significant(percentile(ms, 0.5)),
  p99: significant(percentile(ms, 0.99)),
  max: significant(percentile(ms, 1)),
});

async function main([kind = "idle", programs = "1", seconds = "1"]: readonly string[]): Promise<void> {
  const load = await startLoad(kind, Number(programs));
  // Start-up is left out: modules, first compilations.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  const probes = probe();
  const before = load.runs();
  histogram.enable();
  await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000));
  histogram.disable();
  probes.stop();
  const runs = load.runs() - before;
  await load.stop();
  const monitor = [50, 99, 100].map((p) => significant(histogram.percentile(p) / 1e6));
  process.stdout.write(
    JSON.stringify({
      runs,
      timers: delays(probes.timers),
      turns: delays(probes.turns),
      monitor: { p50: monitor[0], p99: monitor[1], max: significant(histogram.max / 1e6) },
    }),
  );
}

await main(process.argv.slice(2));
