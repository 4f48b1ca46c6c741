/** What holds for every run of a verified program, whoever executes it (vm.md 3, 6, 8, 13). */
import type { Json } from "../../../firmware/core/json.ts";
import type { Limits } from "../../../firmware/vm/index.ts";
import type { Snapshot } from "./execution.ts";

const METERED = [
  ...(["cpuSteps", "memKb", "ioCalls", "tasks", "claims", "outputBytes"] as const),
  ...(["ioReadBytes", "ioWriteBytes", "netOutBytes"] as const),
] satisfies readonly (keyof Limits)[];

/** A number that cannot be a value: −0, NaN, ∞. */
function impossibleNumber(json: Json): number | null {
  if (typeof json === "number") return Object.is(json, -0) || !Number.isFinite(json) ? json : null;
  if (json === null || typeof json !== "object") return null;
  for (const item of Object.values(json) as readonly Json[]) {
    const found = impossibleNumber(item);
    if (found !== null) return found;
  }
  return null;
}

const shown = (n: number): string => (Object.is(n, -0) ? "-0" : String(n));

/** The first law that the run breaks, or null. */
export function brokenLaw({ outcome, journal, metrics, limits, error, ended }: Snapshot): string | null {
  for (const name of METERED) {
    if (metrics[name] > limits[name]) return `${name} is ${metrics[name]}, its limit ${limits[name]}`;
  }
  if (metrics.sleptMs > limits.sleepTotalMs) return `slept ${metrics.sleptMs} of ${limits.sleepTotalMs} ms`;
  if (error?.reason === "stack_underflow" || error?.reason === "vm_internal")
    return `failed with ${error.reason}`;
  if ((error === null) !== (ended === "responded" || ended === "halted"))
    return `${ended} does not fit its error`;
  const args = journal.flatMap((entry) => (entry.t === "call" ? [entry.args] : []));
  const values: readonly Json[] = [outcome.body, ...outcome.claims.map(({ value }) => value), ...args];
  for (const value of values) {
    const number = impossibleNumber(value);
    if (number !== null) return `a program saw ${shown(number)}`;
  }
  return null;
}
