import type { MachineFacts } from "../../lib/machine-facts.ts";
import { ratio } from "../../lib/targets.ts";
import type { EngineFacts } from "./engines/engine.ts";
import type { LoopDelayCase } from "./sections/loop-delay.ts";
import type { MemoryReport } from "./sections/memory.ts";
import type { RateReport } from "./sections/throughput.ts";
import type { VmSettings } from "./settings.ts";

/** Everything measured in one run; a part that was not asked for is missing or null. */
export interface VmReport {
  readonly suite: "vm";
  readonly machine: MachineFacts;
  readonly settings: VmSettings;
  readonly engines: readonly EngineFacts[];
  readonly rates: readonly RateReport[];
  readonly loopDelay: readonly LoopDelayCase[] | null;
  readonly memory: MemoryReport | null;
  readonly seconds: number;
}

/** Of one part: our median over each other's; for `ms` the other way round, so that above 1 always means faster. */
export function ratiosOf({ rates, unit }: RateReport, ours = "imu"): Readonly<Record<string, number | null>> {
  const own = rates[ours]?.median;
  return Object.fromEntries(
    Object.entries(rates)
      .filter(([id]) => id !== ours)
      .map(([id, { median }]) => [id, unit === "ms" ? ratio(median, own) : ratio(own, median)]),
  );
}

/** How many times faster hand-written WebAssembly with fuel is, by part. */
export const distanceToWasm = (rates: readonly RateReport[]): Readonly<Record<string, number | null>> =>
  Object.fromEntries(
    rates
      .filter(({ rates: of }) => of.wasm !== undefined)
      .map(({ id, rates: of }) => [id, ratio(of.wasm?.median, of.imu?.median)]),
  );
