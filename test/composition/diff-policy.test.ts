/** Judging recorded runs that were refused, that failed, and that used several tasks. */
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProgramTools } from "../../firmware/cli/program-tools.ts";
import { Session } from "../../firmware/cli/session.ts";
import { diffPolicy } from "../../firmware/composition/diff-policy.ts";
import { diffProgram } from "../../firmware/composition/diff-program.ts";
import { type ExportedRun, readRunExport } from "../../firmware/composition/state-export.ts";
import { jcs } from "../../firmware/core/canonical-json.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { compilePolicy } from "../../firmware/policy/index.ts";
import { type CapabilityView, verifyProgram } from "../../firmware/vm/index.ts";
import { recordedDevice, waterOnce } from "../cli/recorded-device.ts";
import { Deformed, imuctl, ioOf, tempDir } from "../cli/support.ts";

let dir: Awaited<ReturnType<typeof tempDir>>;
let view: CapabilityView;

beforeAll(async () => {
  dir = await tempDir();
  ({ view } = await ProgramTools.open(new Session(ioOf(), {})));
});
afterAll(() => dir[Symbol.asyncDispose]());

async function exported(name: string, program: JsonObject, policy?: (policy: JsonObject) => JsonObject) {
  const { config, runId } = await recordedDevice(join(dir.path, name), program, policy);
  const { out } = await imuctl(["evidence", "export", runId, "--config", config]);
  const run = readRunExport(JSON.parse(out) as Json);
  if (!run.ok) throw new Error(run.code);
  return run;
}

function compiled(document: JsonObject) {
  const result = compilePolicy(jcs(document));
  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  return result.policy;
}

async function judged(run: ExportedRun, change: (document: Deformed) => void) {
  const document = new Deformed(JSON.stringify(run.policy));
  change(document);
  const { clock, entropy } = ioOf();
  const given = compiled(JSON.parse(document.text) as JsonObject);
  const recorded = compiled(run.policy ?? {});
  return diffPolicy({ run, view, recorded, given, judge: { clock, entropy, fleet: "none", device: "none" } });
}

const BLINDLY = [
  { op: "TRY", handler: "REFUSED" },
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
  { op: "POP" },
  { op: "ENDTRY" },
  { op: "HALT" },
  { op: "LABEL", name: "REFUSED" },
  { op: "POP" },
  { op: "HALT" },
];

describe("a run whose effect the guard refused", () => {
  let run: ExportedRun;
  beforeAll(async () => {
    run = await exported("blind", waterOnce({ code: BLINDLY }));
  }, 30_000);

  test("is refused again by its own policy, for the same reason", async () => {
    expect(run.record.journal).toMatchObject([
      { t: "call", ok: false, error: { reason: "missing_required_kinds" } },
    ]);

    expect(await judged(run, () => undefined)).toMatchObject({ verdict: "same", differences: [] });
  });

  test("is refused earlier by a rule that blocks", async () => {
    const diff = await judged(run, (document) =>
      document.set(["decisions", "rules", 3, "decision"], "block"),
    );

    expect(diff.differences).toMatchObject([
      {
        recorded: { step: "guard", reason: "missing_required_kinds" },
        given: { step: "policy", reason: "rule_block" },
      },
    ]);
  });
});

test("what a call refused by policy would have met at the guard is not in the record", async () => {
  const blocking = (policy: JsonObject): JsonObject => {
    const document = new Deformed(JSON.stringify(policy));
    document.set(["decisions", "rules", 3, "decision"], "block");
    return JSON.parse(document.text) as JsonObject;
  };
  const run = await exported("blocked", waterOnce({ code: BLINDLY }), blocking);

  const diff = await judged(run, (document) => document.set(["decisions", "rules", 3, "decision"], "allow"));

  expect(diff.verdict).toBe("cannot_compare");
  expect(diff.unrecorded).toMatchObject([
    {
      what: "call",
      recorded: { outcome: "deny", reason: "rule_block" },
      given: { outcome: "unrecorded", step: "guard" },
    },
  ]);
}, 30_000);

test("calls of several tasks are compared task by task", async () => {
  const reading = (name: string) => [
    { op: "CAP", name: "sensor.read", args: { input: name } },
    { op: "POP" },
    { op: "HALT" },
  ];
  const tasks = (second: string, version: string): JsonObject =>
    waterOnce({
      version,
      outputs: [],
      capabilities: ["sensor.read"],
      code: [
        { op: "SPAWN", as: "one", body: reading("soil_moisture") },
        { op: "SPAWN", as: "two", body: reading(second) },
        { op: "JOIN", task: "reg:one" },
        { op: "POP" },
        { op: "JOIN", task: "reg:two" },
        { op: "POP" },
        { op: "HALT" },
      ],
    });
  const run = await exported("tasks", tasks("air_temperature", "1.0.0"));
  const other = (document: JsonObject) => {
    const verified = verifyProgram(document, view);
    if (!verified.ok) throw new Error(JSON.stringify(verified.issues));
    return diffProgram({ run, other: verified, view, policy: null });
  };

  expect(other(tasks("air_temperature", "2.0.0")).verdict).toBe("same");
  expect(other(tasks("air_humidity", "2.0.0"))).toMatchObject({
    verdict: "differs",
    differences: [{ what: "call", task: 2, recorded: { at: { unit: "code/1/body", index: 0 } } }],
    unrecorded: [{ what: "call", name: "sensor.read", args: { input: "air_humidity" } }],
  });
}, 30_000);
