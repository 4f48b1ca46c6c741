import { RunEvidence, type RunEvidenceOptions, SourceRegistry } from "../../firmware/evidence/index.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const SEALER = { kid: "seal-1", key: new Uint8Array(32).fill(7) };
export const CHIP = "i2c://1/0x76";
export const TEMPERATURE = `${CHIP}/temperature`;
export const reading = (value: number, source = TEMPERATURE) =>
  ({ kind: "sensor_reading", source, payload: { value, unit: "Cel" } }) as const;

export function startRun(options: Partial<RunEvidenceOptions> = {}) {
  const clock = new ManualClock();
  const run = new RunEvidence({
    runId: "run-1",
    subject: "program:heater",
    deviceId: "imu-0000000000000001",
    policyHash: "aa".repeat(32),
    clock,
    sources: new SourceRegistry(),
    sealer: SEALER,
    maxPerRun: 64,
    ...options,
  });
  return { run, clock };
}

export const readingClaim = (evidence: string, value: number, more: object = {}) => ({
  id: "t",
  type: "reading",
  text: "temperature",
  schema: { type: "number", unit: "Cel", min: -40, max: 85 },
  value,
  evidence: [evidence],
  from: { evidence, pointer: "/value" },
  ...more,
});
