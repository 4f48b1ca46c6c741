/** The report as one JSON value and as text for people. */
import { significant } from "../../lib/statistics.ts";
import { table } from "../../lib/table.ts";
import type { Target } from "../../lib/targets.ts";
import type { EngineFacts } from "./engines/engine.ts";
import { distanceToWasm, ratiosOf, type VmReport } from "./report.ts";
import type { LoopDelayCase } from "./sections/loop-delay.ts";
import type { MemoryReport } from "./sections/memory.ts";
import type { RateReport } from "./sections/throughput.ts";
import { vmTargets } from "./targets.ts";

/** Numbers cut to five digits: what lies behind them is noise. */
const shortened = (_key: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isInteger(value) ? significant(value, 5) : value;

/** `speedup`: how many times faster we are than each peer, from the medians of this run. */
export function reportJson(report: VmReport): unknown {
  const whole = {
    ...report,
    rates: report.rates.map((one) => ({ ...one, speedup: ratiosOf(one) })),
    wasmOverImu: distanceToWasm(report.rates),
    targets: vmTargets(report),
  };
  return JSON.parse(JSON.stringify(whole, shortened));
}

const times = (factor: number | null | undefined): string | null =>
  factor === null || factor === undefined ? null : `${significant(factor, 3)} ×`;

export function ratesText(report: RateReport): string {
  const { id, title, unit, what, rates } = report;
  const speedup = ratiosOf(report);
  const rows = Object.entries(rates).map(([engine, { median, min, max }]) => [
    engine,
    median,
    `± ${Math.round(((max - min) / 2 / median) * 100)} %`,
    engine === "imu" ? "1 ×" : times(speedup[engine]),
  ]);
  return `${id}: ${title}\n${what}\n${table(["engine", unit, "spread", "imu is"], rows)}`;
}

function delayText(cases: readonly LoopDelayCase[]): string {
  const rows = cases.map(({ load, programs, seconds, runs, timers, turns, monitor }) => [
    `${programs} × ${load}`,
    seconds,
    runs,
    timers.p99,
    timers.max,
    turns.p99,
    turns.max,
    monitor.p99,
    monitor.max,
  ]);
  const head = ["load", "seconds", "quotas", "timer p99", "max", "turn p99", "max", "monitor p99", "max"];
  return `loop-delay: ms the event loop is late while programs burn their quota again and again\n${table(head, rows)}`;
}

function memoryText({ data, idle }: MemoryReport): string {
  const engines = Object.keys(data[0]?.heapBytes ?? {});
  const rows = data.map(({ id, chargedBytes, heapBytes }) => [
    id,
    chargedBytes,
    ...engines.map((engine) => heapBytes[engine]),
    times((heapBytes.compiled ?? Number.NaN) / chargedBytes),
  ]);
  const loaded = Object.entries(idle.bytesEach).map(([engine, bytes]) => [engine, bytes]);
  return [
    `memory: bytes charged by the model and bytes of the real heap, the data alive\n`,
    table(["data", "charged", ...engines, "real/charged"], rows),
    `\nmemory: bytes of one loaded idle program (imu-ran: after a run)\n`,
    table(["engine", "bytes"], loaded),
  ].join("");
}

const verdict = ({ pass, reason }: Target): string => (pass ? "yes" : reason ? `no: ${reason}` : "no");

const targetsText = (targets: readonly Target[]): string =>
  table(
    ["target", "value", "wanted", "met"],
    targets.map((one) => [one.name, one.value, `${one.compare} ${one.target} ${one.unit}`, verdict(one)]),
  );

const engineText = ({ id, title, version, reason }: EngineFacts): string =>
  `  ${id}: ${title}${version === null ? `; missing: ${reason}` : ` (${version})`}\n`;

export function reportText(report: VmReport): string {
  const { machine, settings, engines, rates, loopDelay, memory } = report;
  const away = Object.entries(distanceToWasm(rates)).map(([id, factor]) => [id, times(factor)]);
  const parts = [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${settings.rounds} rounds of ${settings.roundMs} ms, medians\n`,
    engines.map(engineText).join(""),
    ...rates.map(ratesText),
    away.length > 0 ? table(["WebAssembly with fuel", "is faster"], away) : "",
    loopDelay === null ? "" : delayText(loopDelay),
    memory === null ? "" : memoryText(memory),
    targetsText(vmTargets(report)),
  ];
  return parts.filter((part) => part !== "").join("\n");
}
