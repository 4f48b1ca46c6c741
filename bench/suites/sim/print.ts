/** The report as one JSON value and as text for people. */
import { shortJson, spreadText, targetsText } from "../../lib/report-text.ts";
import { table } from "../../lib/table.ts";
import type { LimitFigures } from "./children/figures.ts";
import type { SimReport, SpeedRow, TraceRow } from "./report.ts";
import { simTargets } from "./targets.ts";

export const reportJson = (report: SimReport): unknown =>
  shortJson({ ...report, targets: simTargets(report) });

function speedText(rows: readonly SpeedRow[]): string {
  const head = ["fleet", "× CPU time", "spread", "× wall time", "events/s", "events/device s", "µs/event"];
  const body = rows.map((row) => [
    row.id,
    row.timesCpu.median,
    spreadText(row.timesCpu),
    row.timesWall.median,
    row.eventsPerS.median,
    row.eventsPerDeviceS,
    row.cpuUsPerEvent,
  ]);
  const what = rows.map((row) => `${row.id}: ${row.what}`).join("\n");
  return `speed: times faster than the clock, on one core\n${what}\n${table(head, body)}`;
}

function limitsText(limits: LimitFigures): string {
  const rows = [
    ["turns of the event loop (setImmediate)", limits.setImmediate],
    ["queue: one taken, one added, a thousand wait", limits.queue],
    ["events of virtual time that do nothing", limits.emptyEvents],
    ["trace records, canonical and hashed", limits.traceRecords],
    ["SHA-256 of 200 bytes", limits.sha256],
  ];
  return `limits: what an event is made of, each alone\n${table(["part", "per s"], rows)}`;
}

const traceText = (rows: readonly TraceRow[]): string =>
  `trace: the same fleet and seed\n${table(
    ["run", "last hash"],
    rows.map(({ how, hash }) => [how, hash.slice(0, 16)]),
  )}`;

export function reportText(report: SimReport): string {
  const { machine, speed, limits, traces, idleDeviceBytes, seconds } = report;
  const { cpu, cores, node, loadAverage } = machine;
  const parts = [
    ...(speed.length > 0 ? [speedText(speed)] : []),
    ...(limits ? [limitsText(limits)] : []),
    ...(idleDeviceBytes === null ? [] : [`memory: ${idleDeviceBytes} bytes for one more idle device\n`]),
    ...(traces.length > 0 ? [traceText(traces)] : []),
    targetsText(simTargets(report)),
  ];
  return `${cpu}, ${cores} cores, node ${node}, load ${loadAverage}, ${seconds} s\n\n${parts.join("\n")}`;
}
