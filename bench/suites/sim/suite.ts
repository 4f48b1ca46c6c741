/** The simulator: how much faster than the clock it is, what a device weighs, whether only the seed decides. */
import { askChild } from "../../lib/child.ts";
import { machineFacts } from "../../lib/machine-facts.ts";
import type { Progress, Suite } from "../../lib/suite.ts";
import type { LimitFigures, MemoryFigures, RunFigures } from "./children/figures.ts";
import { reportJson, reportText } from "./print.ts";
import { bytesPerDevice, type SimReport, type SpeedRow, speedRow, type TraceRow } from "./report.ts";
import { PARTS, type SimSettings, simSettings } from "./settings.ts";

const RUN = new URL("./children/run.js", import.meta.url);
const MEMORY = new URL("./children/memory.js", import.meta.url);
const LIMITS = new URL("./children/limits.js", import.meta.url);

/** Children print what their types say. */
const ask = async <T>(script: URL, args: readonly (string | number)[]): Promise<T> =>
  (await askChild(script, args.map(String))) as T & Awaited<ReturnType<typeof askChild>>;

async function measureSpeed({ cases, rounds }: SimSettings, progress: Progress): Promise<SpeedRow[]> {
  const rows: SpeedRow[] = [];
  for (const one of cases) {
    progress(`speed: ${one.id}`);
    const { program, devices, warmupS, stretchS } = one;
    rows.push(speedRow(one, await ask<RunFigures>(RUN, [program, devices, warmupS, stretchS, rounds])));
  }
  return rows;
}

async function measureMemory(settings: SimSettings, progress: Progress): Promise<number> {
  progress("memory");
  const { weighed, weighedAfterS } = settings;
  const few = await ask<MemoryFigures>(MEMORY, [1, weighedAfterS]);
  return bytesPerDevice(few, await ask<MemoryFigures>(MEMORY, [weighed, weighedAfterS]));
}

/** Alone, and as many at once as there are cores and one more: what the others do must not show. */
async function measureTraces(
  { traceS }: SimSettings,
  cores: number,
  progress: Progress,
): Promise<TraceRow[]> {
  progress("trace");
  const run = async (how: string): Promise<TraceRow> => {
    const { traceHash } = await ask<RunFigures>(RUN, ["tank", 3, traceS, 1, 1]);
    return { how, hash: traceHash };
  };
  const alone = [await run("alone"), await run("alone, again")];
  const atOnce = Array.from({ length: cores + 1 }, (_, i) => run(`${cores + 1} at once, number ${i + 1}`));
  return [...alone, ...(await Promise.all(atOnce))];
}

async function measure(settings: SimSettings, progress: Progress): Promise<SimReport> {
  const startedAt = process.hrtime.bigint();
  const machine = machineFacts();
  const wants = (part: (typeof PARTS)[number]): boolean => settings.only.includes(part);
  if (wants("limits")) progress("limits");
  const limits = wants("limits")
    ? await ask<LimitFigures>(LIMITS, [settings.rounds, settings.limitMs])
    : null;
  const speed = wants("speed") ? await measureSpeed(settings, progress) : [];
  const idleDeviceBytes = wants("memory") ? await measureMemory(settings, progress) : null;
  const traces = wants("trace") ? await measureTraces(settings, machine.cores, progress) : [];
  const seconds = Math.round(Number(process.hrtime.bigint() - startedAt) / 1e9);
  return { suite: "sim", machine, settings, speed, idleDeviceBytes, traces, limits, seconds };
}

export const simSuite: Suite = {
  name: "sim",
  about: "the simulator: speed over real time, memory of a device, equality of traces",
  usage: `      --only a,b      parts: ${PARTS.join(" ")}
      --cases a,b     fleets of \`speed\`
      --rounds n`,
  run: async (args, progress) => {
    const settings = simSettings(args);
    const report = await measure(settings, progress);
    return settings.json ? `${JSON.stringify(reportJson(report))}\n` : reportText(report);
  },
};
