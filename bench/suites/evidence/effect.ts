/**
 * One effect as a run makes it: a reading is in the run's list, the guard decides over it, the driver acts, what it did is
 * recorded. Everything here is the product's own; only the driver is a stand-in that costs nothing.
 */
import { SystemClock } from "../../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../../firmware/adapters/system-entropy.ts";
import { hashJson } from "../../../firmware/core/hash.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { RunEvidence, SourceRegistry } from "../../../firmware/evidence/index.ts";
import type { Requirement } from "../../../firmware/evidence/types.ts";

const SEALER = { kid: "bench", key: new Uint8Array(32).fill(3) };
const SOURCE = "i2c://1/0x76/temperature";
const MAX_PER_RUN = 64;

/** As the greenhouse's fan demands it: a reading, not older than five seconds, of fair trust. */
export const REQUIREMENT: Requirement = {
  required: true,
  minTrust: 0.6,
  minCount: 1,
  minSources: 1,
  maxAgeMs: 5000,
  minLevel: 1,
  requiredKinds: ["sensor_reading"],
  accept: ["observation"],
  minKinds: null,
  requireClaims: false,
  requireGroups: false,
  maxClaims: 10,
  minLevelByType: {},
  freshnessMsByType: {},
  defaultFreshnessMs: 60_000,
  groups: {},
  relations: [],
  points: {
    minDistinctSources: 0,
    minTotalTrust: 0,
    maxPointsPerSource: 5,
    minPointsPerClaim: 0,
    byType: {},
  },
};

export const REQUIREMENT_HASH = hashJson(REQUIREMENT as unknown as Json);

const clock = new SystemClock({ entropy: new SystemEntropy(), floorMs: 0, synchronised: () => true });
const sources = new SourceRegistry({ simulated: false });

/** A run that has begun and measured: its trigger, its start and `readings` readings. */
export function begunRun(readings: number): RunEvidence {
  const run = new RunEvidence({
    runId: "r01978000000001020304",
    subject: "program:bench",
    deviceId: "imu-0011223344556677",
    policyHash: "c".repeat(64),
    clock,
    sources,
    sealer: SEALER,
    maxPerRun: MAX_PER_RUN,
  });
  run.record({
    kind: "schedule_tick",
    source: "local://scheduler",
    payload: { trigger: { kind: "schedule" } },
  });
  run.record({ kind: "run_start", source: "local://runs", payload: { programHash: "a".repeat(64) } });
  for (let i = 0; i < readings; i++) recordReading(run, i);
  return run;
}

export function recordReading(run: RunEvidence, n: number): void {
  run.record({
    kind: "sensor_reading",
    source: SOURCE,
    payload: { value: 20 + n / 8, unit: "Cel", raw: 390, quality: "ok" },
  });
}

/** @throws Error if the guard refuses what it must allow. */
export function guardEffect(run: RunEvidence): void {
  const verdict = run.guard({
    effect: "fan",
    requirement: REQUIREMENT,
    requirementHash: REQUIREMENT_HASH,
    risk: "low",
  });
  if (!verdict.ok) throw new Error(`The guard refuses: ${verdict.reason}`);
}

export function recordEffect(run: RunEvidence): void {
  run.record({ kind: "gpio_write", source: "gpio://gpiochip0/17", payload: { line: 17, value: 1 } });
}
