import type { MachineFacts } from "../../lib/machine-facts.ts";
import { type Summary, summarise } from "../../lib/statistics.ts";
import type { LimitFigures, MemoryFigures, RunFigures, Stretch } from "./children/figures.ts";
import type { SimSettings, SpeedCase } from "./settings.ts";

export interface SpeedRow {
  readonly id: string;
  readonly what: string;
  readonly devices: number;
  /** Simulated time over CPU time of the whole process: on one core it cannot be slower than that. */
  readonly timesCpu: Summary;
  /** Simulated time over time of the host. */
  readonly timesWall: Summary;
  /** A second of CPU time. */
  readonly eventsPerS: Summary;
  readonly eventsPerDeviceS: number;
  readonly cpuUsPerEvent: number;
  /** Devices that run at the end: a stopped one costs nothing and would look fast. */
  readonly running: number;
}

export interface TraceRow {
  readonly how: string;
  readonly hash: string;
}

export interface SimReport {
  readonly suite: "sim";
  readonly machine: MachineFacts;
  readonly settings: SimSettings;
  readonly speed: readonly SpeedRow[];
  /** Bytes of one more idle device; null if it was not asked for. */
  readonly idleDeviceBytes: number | null;
  readonly traces: readonly TraceRow[];
  readonly limits: LimitFigures | null;
  readonly seconds: number;
}

const MS_PER_S = 1000;

export function speedRow({ id, what, devices }: SpeedCase, { stretches, running }: RunFigures): SpeedRow {
  const over = (rate: (one: Stretch) => number): Summary => summarise(stretches.map(rate));
  const total = (of: (one: Stretch) => number): number => stretches.reduce((sum, one) => sum + of(one), 0);
  const events = total((one) => one.events);
  return {
    id,
    what,
    devices,
    timesCpu: over(({ simulatedS, cpuMs }) => (simulatedS * MS_PER_S) / cpuMs),
    timesWall: over(({ simulatedS, wallMs }) => (simulatedS * MS_PER_S) / wallMs),
    eventsPerS: over((one) => (one.events * MS_PER_S) / one.cpuMs),
    eventsPerDeviceS: events / total((one) => one.simulatedS) / devices,
    cpuUsPerEvent: (total((one) => one.cpuMs) * MS_PER_S) / events,
    running,
  };
}

/** What each device beyond those of the smaller fleet takes. */
export const bytesPerDevice = (few: MemoryFigures, many: MemoryFigures): number =>
  Math.round((many.bytes - few.bytes) / (many.devices - few.devices));

/** How many different traces there are: one, if nothing but the seed decides. */
export const differentTraces = (traces: readonly TraceRow[]): number =>
  new Set(traces.map(({ hash }) => hash)).size;
