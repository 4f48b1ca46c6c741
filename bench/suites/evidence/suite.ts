/** What evidence costs: the guard and the records of one effect, beyond the driver that acts. */
import { parseArgs } from "node:util";
import type { RunEvidence } from "../../../firmware/evidence/index.ts";
import { type MachineFacts, machineFacts } from "../../lib/machine-facts.ts";
import { shortJson, targetsText } from "../../lib/report-text.ts";
import { median, percentile } from "../../lib/statistics.ts";
import type { Progress, Suite } from "../../lib/suite.ts";
import { table } from "../../lib/table.ts";
import { atMost, type Target } from "../../lib/targets.ts";
import { begunRun, guardEffect, recordEffect, recordReading } from "./effect.ts";

/** Readings in the run's list when the guard decides. */
const READINGS = [1, 4, 16] as const;
const JUDGED_READINGS = 1;
const NS_PER_US = 1000;

interface Part {
  readonly id: string;
  readonly what: string;
  readonly work: (run: RunEvidence) => void;
}

const PARTS: readonly Part[] = [
  { id: "reading", what: "one reading recorded and sealed", work: (run) => recordReading(run, 7) },
  { id: "guard", what: "the guard's decision and its record", work: guardEffect },
  { id: "effect", what: "what the driver did, recorded and sealed", work: recordEffect },
  {
    id: "guard+effect",
    what: "one effect, all that evidence adds to the driver's call",
    work: (run) => {
      guardEffect(run);
      recordEffect(run);
    },
  },
];

export interface EvidenceCost {
  readonly part: string;
  readonly what: string;
  readonly readings: number;
  /** µs. */
  readonly median: number;
  readonly p99: number;
}

export interface EvidenceReport {
  readonly suite: "evidence";
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly costs: readonly EvidenceCost[];
  readonly seconds: number;
}

/** Each call has a run of its own, made before the clock starts. */
function measurePart({ id, what, work }: Part, readings: number, rounds: number): EvidenceCost {
  const times: number[] = [];
  for (let n = -Math.ceil(rounds / 4); n < rounds; n++) {
    const run = begunRun(readings);
    const startedAt = process.hrtime.bigint();
    work(run);
    const ns = Number(process.hrtime.bigint() - startedAt);
    if (n >= 0) times.push(ns / NS_PER_US);
  }
  return { part: id, what, readings, median: median(times), p99: percentile(times, 0.99) };
}

export function evidenceTargets({ costs }: EvidenceReport): readonly Target[] {
  const found = costs.find(({ part, readings }) => part === "guard+effect" && readings === JUDGED_READINGS);
  const name = "guard and evidence of one effect, median";
  return [atMost(50, { name, value: found?.median, unit: "µs" })];
}

function measure(rounds: number, progress: Progress): EvidenceReport {
  const startedAt = process.hrtime.bigint();
  const costs: EvidenceCost[] = [];
  for (const readings of READINGS) {
    progress(`evidence: runs with ${readings} readings`);
    for (const part of PARTS) {
      globalThis.gc?.();
      costs.push(measurePart(part, readings, rounds));
    }
  }
  const seconds = Math.round(Number(process.hrtime.bigint() - startedAt) / 1e9);
  return { suite: "evidence", machine: machineFacts(), rounds, costs, seconds };
}

export function evidenceText(report: EvidenceReport): string {
  const { machine, rounds, costs } = report;
  const rows = costs.map(({ part, readings, median: middle, p99, what }) => [
    part,
    readings,
    middle,
    p99,
    what,
  ]);
  return [
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${rounds} calls each\n`,
    `µs per call, by the number of readings in the run\n${table(["part", "readings", "median", "p99", ""], rows)}`,
    targetsText(evidenceTargets(report)),
  ].join("\n");
}

export const evidenceSuite: Suite = {
  name: "evidence",
  about: "the guard and the records of one effect, beyond the driver's call",
  usage: "      --rounds n      calls of each part (default 20000)",
  run: async (args, progress) => {
    const { values } = parseArgs({
      args: [...args],
      options: {
        json: { type: "boolean", default: false },
        quick: { type: "boolean", default: false },
        rounds: { type: "string" },
      },
    });
    const report = measure(Number(values.rounds ?? (values.quick ? 2000 : 20_000)), progress);
    if (!values.json) return evidenceText(report);
    return `${JSON.stringify(shortJson({ ...report, targets: evidenceTargets(report) }))}\n`;
  },
};
