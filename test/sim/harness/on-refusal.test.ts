import { describe, expect, it } from "vitest";
import { type ChangeablePolicy, greenhouse } from "./greenhouse.ts";

/** The publication demands what no single chip can give. */
const refusing =
  (onRefusal: string) =>
  ({ outputs }: ChangeablePolicy): void => {
    for (const output of outputs) {
      if (output.name !== "telemetry_air") continue;
      output.onRefusal = onRefusal;
      output.requires = { ...output.requires, minSources: 3 };
    }
  };

async function lastRun(onRefusal: string) {
  const sim = await greenhouse({ policy: refusing(onRefusal) });
  await sim.run("20s");
  const { violations } = await sim.end();
  expect([...violations]).toEqual([]);
  const { runs } = sim.member("house-001").device.daemon.parts.state;
  for await (const record of runs.latest(200)) if (record.metrics.refusals > 0) return record;
  throw new Error("no run was refused an effect");
}

describe("a run whose effect the guard refuses", () => {
  it("is ended where the policy says onRefusal: abort, with the guard's reason", async () => {
    const { state, outcome, safeStates, journal } = await lastRun("abort");
    expect([state, outcome.error?.code, outcome.error?.reason]).toEqual([
      "failed",
      "run_cut",
      "not_enough_sources",
    ]);
    expect(safeStates).toContain("fan");
    const calls = journal.filter(({ t }) => t === "call");
    expect(calls.at(-1)).toMatchObject({
      ok: false,
      error: { code: "run_cut", details: { output: "telemetry_air" } },
    });
  });

  it("gets the guard's own error otherwise", async () => {
    expect((await lastRun("continue")).outcome.error?.code).toBe("not_enough_sources");
  });
});
