/** The machine beside its peers: which parts there are, and their order. */
import { machineFacts } from "../../lib/machine-facts.ts";
import type { Progress, Suite } from "../../lib/suite.ts";
import { type LoadedEngine, loadEngine } from "./engines/engine.ts";
import { ENGINES } from "./engines/index.ts";
import { reportJson, reportText } from "./print.ts";
import type { VmReport } from "./report.ts";
import { insideContenders } from "./sections/inside.ts";
import { measureLoading, measureVerifying } from "./sections/loading.ts";
import { measureLoopDelay } from "./sections/loop-delay.ts";
import { measureMemory } from "./sections/memory.ts";
import { recordContenders } from "./sections/records.ts";
import { measureWorkload, type RateReport } from "./sections/throughput.ts";
import { type VmSettings, vmSettings, wants, wantsEngine } from "./settings.ts";
import { WORKLOADS } from "./workloads/index.ts";
import { sum } from "./workloads/sum.ts";

const ENGINE_IDS = ENGINES.map(({ id }) => id);
const PARTS = [...WORKLOADS.map(({ id }) => id), "load", "verify", "loop-delay", "memory"];

async function loadEngines(chosen: readonly string[] | null, progress: Progress): Promise<LoadedEngine[]> {
  const loaded: LoadedEngine[] = [];
  for (const source of ENGINES.filter(({ id }) => wantsEngine(chosen, id))) {
    const engine = await loadEngine(source);
    const { id, version, reason } = engine;
    progress(engine.available ? `engine ${id}: ${version}` : `engine ${id} is missing: ${reason}`);
    loaded.push(engine);
  }
  return loaded;
}

function measureRates(
  engines: readonly LoadedEngine[],
  settings: VmSettings,
  progress: Progress,
): RateReport[] {
  const { only } = settings;
  const ours = engines.some(({ id }) => id === "imu");
  const rates = WORKLOADS.filter(({ id }) => wants(only, id)).map((workload) => {
    if (workload !== sum) return measureWorkload(workload, engines, settings, progress);
    const inside = insideContenders(sum, engines);
    const more = [...(ours ? recordContenders(sum) : []), ...inside.contenders];
    try {
      return measureWorkload(workload, engines, settings, progress, more);
    } finally {
      inside.dispose();
    }
  });
  if (wants(only, "load")) rates.push(measureLoading(engines, settings, progress));
  if (wants(only, "verify")) rates.push(measureVerifying(engines, settings, progress));
  return rates;
}

async function measure(settings: VmSettings, progress: Progress): Promise<VmReport> {
  const startedAt = process.hrtime.bigint();
  const machine = machineFacts();
  const engines = await loadEngines(settings.engines, progress);
  const available = engines.filter((engine) => engine.available).map(({ id }) => id);
  const rates = measureRates(engines, settings, progress);
  const quickJs = available.includes("quickjs");
  const { only, quick, loopSeconds } = settings;
  const loopDelay = wants(only, "loop-delay") ? await measureLoopDelay(loopSeconds, quickJs, progress) : null;
  const memory = wants(only, "memory") ? await measureMemory(available, quick, progress) : null;
  for (const { engine } of engines) engine?.dispose();
  return {
    suite: "vm",
    machine,
    settings,
    engines: engines.map(({ engine: _, ...facts }) => facts),
    rates,
    loopDelay,
    memory,
    seconds: Math.round(Number(process.hrtime.bigint() - startedAt) / 1e9),
  };
}

export const vmSuite: Suite = {
  name: "vm",
  about: "the machine beside V8, isolated-vm, QuickJS, WebAssembly and two small interpreters",
  usage: `      --only a,b      parts: ${PARTS.join(" ")}
      --engines a,b   engines: ${ENGINE_IDS.join(" ")}
      --rounds n --round-ms n --loop-seconds n`,
  run: async (args, progress) => {
    const settings = vmSettings(args, PARTS, ENGINE_IDS);
    const report = await measure(settings, progress);
    return settings.json ? `${JSON.stringify(reportJson(report))}\n` : reportText(report);
  },
};
