/** The promises of the ledger, judged by the medians of one run. */
import { atLeast, atMost, ratio, type Target } from "../../lib/targets.ts";
import { ENTRY_BYTES } from "./entries.ts";
import type { LedgerReport } from "./report.ts";

/** Groups that the promises speak of. */
const JUDGED_GROUP = 100;

function appendTargets({ append, logs }: LedgerReport): Target[] {
  const rates = append?.find(({ group }) => group === JUDGED_GROUP)?.rates;
  if (rates === undefined) return [];
  const medianOf = (id: string): number | undefined => rates[id]?.median;
  const reason = (id: string): string | undefined => logs.find((log) => log.id === id)?.reason ?? undefined;
  return [
    atLeast(0.6, {
      name: `append: with evidence over LevelDB alone with the same bytes, groups of ${JUDGED_GROUP}`,
      value: ratio(medianOf("imu+evidence"), medianOf("raw+evidence")),
      unit: "×",
    }),
    atLeast(1, {
      name: `append: with evidence, synced, over Hypercore, not synced, groups of ${JUDGED_GROUP}`,
      value: ratio(medianOf("imu+evidence"), medianOf("hypercore")),
      unit: "×",
      reason: reason("hypercore"),
    }),
  ];
}

function verificationTargets({ verification, logs }: LedgerReport): Target[] {
  if (verification === null) return [];
  const { rates } = verification;
  return [
    atLeast(250_000, { name: "verify: the whole log", value: rates.imu?.median, unit: "entries/s" }),
    atLeast(3, {
      name: "verify: over Hypercore's audit",
      value: ratio(rates.imu?.median, rates.hypercore?.median),
      unit: "×",
      reason: logs.find(({ id }) => id === "hypercore")?.reason ?? undefined,
    }),
  ];
}

function proofTargets({ proof }: LedgerReport): Target[] {
  if (proof === null) return [];
  const name = `one of ${proof.entries} entries`;
  return [
    atMost(5, { name: `proof: made for ${name}, p99`, value: proof.made.p99, unit: "ms" }),
    atMost(1, { name: `proof: verified for ${name}, p99`, value: proof.verified.p99, unit: "ms" }),
  ];
}

const diskTargets = ({ disk }: LedgerReport): Target[] =>
  (disk ?? [])
    .filter(({ id, group }) => id === "imu" && group >= JUDGED_GROUP)
    .map(({ group, disk: bytes }) =>
      atMost(2.5, {
        name: `disk: bytes written per byte of entry, groups of ${group}`,
        value: bytes === null ? null : bytes / ENTRY_BYTES,
        unit: "×",
        reason: "the system does not count them",
      }),
    );

const dayTargets = ({ day }: LedgerReport): Target[] =>
  (day ?? [])
    .filter(({ groupCommitMs }) => groupCommitMs > 0)
    .map(({ perDay }) =>
      atMost(30, {
        name: "day: a program at 1 Hz with telemetry, written to the disk",
        value: perDay.diskMB,
        unit: "MB",
        reason: "the system does not count them",
      }),
    );

export const ledgerTargets = (report: LedgerReport): readonly Target[] => [
  ...appendTargets(report),
  ...verificationTargets(report),
  ...proofTargets(report),
  ...diskTargets(report),
  ...dayTargets(report),
];
