import { describe, expect, it } from "vitest";
import {
  BUILT_IN_KINDS,
  defaultRequirement,
  type Evidence,
  type GuardRecordContext,
  guard,
  guardRecordOf,
  type Instant,
  SourceRegistry,
} from "../../firmware/evidence/index.ts";
import { reading, startRun } from "./support.ts";

const PIN = defaultRequirement("gpio.write");

function rejudge(list: readonly Evidence[], now: Instant, seals: GuardRecordContext["seals"]) {
  const sources = new SourceRegistry();
  const records = list.map((evidence) =>
    guardRecordOf(evidence, {
      runId: "run-1",
      subject: "program:heater",
      deviceId: "imu-0000000000000001",
      now,
      source: (source) => sources.lookup(source),
      seals,
      blob: () => undefined,
    }),
  );
  return guard({ effect: "gpio.write", requirement: PIN, records, kinds: BUILT_IN_KINDS });
}

describe("judging a recorded run again", () => {
  it("gives the recorded verdict at the recorded time, without the device's sealing key", async () => {
    const { run, clock } = startRun();
    run.record(reading(1));
    const verdict = run.guard({ effect: "gpio.write", requirement: PIN });
    const now = { wallMs: clock.wallMs(), monoMs: clock.monoMs(), bootId: clock.bootId };
    expect(rejudge(run.list, now, "opaque")).toEqual(verdict);
  });

  it("counts an unknown seal as broken unless it is a replay, and an edited record always", () => {
    const { run, clock } = startRun();
    const good = run.record(reading(1));
    const now = { wallMs: clock.wallMs(), monoMs: clock.monoMs(), bootId: clock.bootId };
    const broken = { reason: "insufficient_evidence", details: { rejectedIntegrity: 1 } };
    expect(rejudge([good], now, () => undefined)).toMatchObject(broken);
    const edited = { ...good, body: { ...good.body, ttlMs: 1 } };
    expect(rejudge([edited], now, "opaque")).toMatchObject(broken);
  });
});
