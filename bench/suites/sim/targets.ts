/** The promises of the simulator (simulator.md 12), judged by the medians of one run. */
import { atLeast, atMost, type Target } from "../../lib/targets.ts";
import { differentTraces, type SimReport, type SpeedRow } from "./report.ts";
import type { SimSettings } from "./settings.ts";

const MIB = 2 ** 20;

function speedTarget({ cases }: SimSettings, row: SpeedRow): Target[] {
  const least = cases.find(({ id }) => id === row.id)?.least ?? null;
  if (least === null) return [];
  const isWhole = row.running === row.devices;
  return [
    atLeast(least, {
      name: `speed: ${row.id}`,
      value: isWhole ? row.timesCpu.median : null,
      unit: "× real time",
      ...(isWhole ? {} : { reason: `${row.devices - row.running} devices stopped` }),
    }),
  ];
}

export function simTargets(report: SimReport): readonly Target[] {
  const { settings, speed, idleDeviceBytes, traces } = report;
  const memory =
    idleDeviceBytes === null
      ? []
      : [atMost(3, { name: "memory: one idle device", value: idleDeviceBytes / MIB, unit: "MiB" })];
  const trace =
    traces.length === 0
      ? []
      : [atMost(1, { name: "trace: different hashes", value: differentTraces(traces), unit: "" })];
  return [...speed.flatMap((row) => speedTarget(settings, row)), ...memory, ...trace];
}
