/** The promises of the machine, judged by the medians of one run. */
import type { Summary } from "../../lib/statistics.ts";
import { atLeast, atMost, factorBetween, ratio, type Target } from "../../lib/targets.ts";
import type { VmReport } from "./report.ts";
import { worst } from "./sections/loop-delay.ts";

const KIB = 1024;

type Rates = Readonly<Record<string, Summary>>;

const ratesOf = (report: VmReport, part: string): Rates | null =>
  report.rates.find(({ id }) => id === part)?.rates ?? null;

function missing(report: VmReport, rates: Rates, peer: string): string | undefined {
  if (rates[peer] !== undefined) return undefined;
  const engine = report.engines.find(({ id }) => id === peer);
  return engine === undefined ? `${peer} was not asked for` : `${peer}: ${engine.reason ?? "no figure"}`;
}

/** Our median over the peer's. */
function against(report: VmReport, part: string, peer: string, factor: number, ours = "imu"): Target[] {
  const rates = ratesOf(report, part);
  if (rates === null) return [];
  const value = ratio(rates[ours]?.median, rates[peer]?.median);
  const name = `${part}: ${ours} over ${peer}`;
  return [atLeast(factor, { name, value, unit: "×", reason: missing(report, rates, peer) })];
}

function rate(report: VmReport, part: string, ours: string, least: number): Target[] {
  const rates = ratesOf(report, part);
  if (rates === null) return [];
  const unit = report.rates.find(({ id }) => id === part)?.unit ?? "";
  return [atLeast(least, { name: `${part}: ${ours}`, value: rates[ours]?.median, unit })];
}

function verifyTargets(report: VmReport): Target[] {
  const rates = ratesOf(report, "verify");
  return rates === null
    ? []
    : [atMost(50, { name: "verify: a program of 64 KiB", value: rates.imu?.median, unit: "ms" })];
}

const delayTargets = ({ loopDelay }: VmReport): Target[] =>
  (loopDelay ?? [])
    .filter(({ load }) => load === "tiered" || load === "compiled")
    .flatMap((one) => {
      const name = `loop-delay: ${one.programs} × ${one.load}`;
      return [
        atMost(5, { name: `${name}, p99`, value: worst(one, "p99"), unit: "ms" }),
        atMost(20, { name: `${name}, longest`, value: worst(one, "max"), unit: "ms" }),
      ];
    });

function memoryTargets({ memory }: VmReport): Target[] {
  if (memory === null) return [];
  const factors = memory.data
    .filter(({ alive }) => alive)
    .map(({ id, chargedBytes, heapBytes }) =>
      atMost(2, {
        name: `memory: ${id}, charged against real heap, either way`,
        value: factorBetween(chargedBytes, heapBytes.compiled ?? 0),
        unit: "×",
      }),
    );
  const idle = memory.idle.bytesEach.imu;
  const value = typeof idle === "number" ? idle / KIB : null;
  return [...factors, atMost(30, { name: "memory: one loaded idle program", value, unit: "KiB" })];
}

export function vmTargets(report: VmReport): readonly Target[] {
  return [
    ...against(report, "loop", "quickjs", 12),
    ...against(report, "loop", "v8", 0.25),
    ...rate(report, "loop", "imu-reference", 15_000_000),
    ...against(report, "pid", "quickjs", 8),
    ...against(report, "pid", "v8", 0.25),
    ...against(report, "fib", "quickjs", 4),
    ...against(report, "objects", "quickjs", 4),
    ...against(report, "strings", "quickjs", 1.5),
    ...against(report, "sum", "quickjs", 3),
    ...against(report, "sum", "quickjs-inside", 3),
    ...rate(report, "sum", "imu+record", 100_000),
    // As the daemon does it: a program that runs once is interpreted.
    ...against(report, "load", "quickjs", 2, "imu-sliced"),
    ...verifyTargets(report),
    ...delayTargets(report),
    ...memoryTargets(report),
  ];
}
