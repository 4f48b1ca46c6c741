/** The machine beside its peers: which parts there are, and their order. */
import type { Progress, Suite } from "../../lib/suite.ts";
import { type LoadedEngine, loadEngine } from "./engines/engine.ts";
import { ENGINES } from "./engines/index.ts";
import { ratesTable } from "./print.ts";
import { measureWorkload, type RateReport } from "./sections/throughput.ts";
import { vmSettings, wants, wantsEngine } from "./settings.ts";
import { WORKLOADS } from "./workloads/index.ts";

const PARTS = [...WORKLOADS.map(({ id }) => id)];

async function loadEngines(chosen: readonly string[] | null, progress: Progress): Promise<LoadedEngine[]> {
  const loaded: LoadedEngine[] = [];
  for (const source of ENGINES.filter(({ id }) => wantsEngine(chosen, id))) {
    const engine = await loadEngine(source);
    progress(
      engine.available
        ? `engine ${engine.id}: ${engine.version}`
        : `engine ${engine.id} is missing: ${engine.reason}`,
    );
    loaded.push(engine);
  }
  return loaded;
}

async function run(args: readonly string[], progress: Progress): Promise<string> {
  const settings = vmSettings(
    args,
    PARTS,
    ENGINES.map(({ id }) => id),
  );
  const engines = await loadEngines(settings.engines, progress);
  const workloads: RateReport[] = [];
  for (const workload of WORKLOADS.filter(({ id }) => wants(settings.only, id))) {
    workloads.push(measureWorkload(workload, engines, settings, progress));
  }
  return settings.json ? `${JSON.stringify({ workloads })}\n` : workloads.map(ratesTable).join("\n");
}

export const vmSuite: Suite = {
  name: "vm",
  about: "the machine beside V8, isolated-vm, QuickJS, WebAssembly and two small interpreters",
  usage: `    --only loop,pid,...    some parts: ${PARTS.join(" ")}
    --engines imu,v8,...   some engines: ${ENGINES.map(({ id }) => id).join(" ")}
    --rounds n --round-ms n --loop-seconds n`,
  run,
};
