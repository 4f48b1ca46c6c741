import { describe, expect, it } from "vitest";
import {
  createMachine,
  type MachineResult,
  replay,
  shadowRun,
  TIER_LIMITS,
  VM_VERSION,
  verifyProgram,
} from "../../firmware/vm/index.ts";
import { aDocument, aProgram, runToEnd, view } from "./support.ts";

const reads = [
  { op: "CALL", fn: "f", args: [1] },
  { op: "STORE", reg: "v" },
  { op: "EVIDENCE", claim: "ok" },
  { op: "RESPOND", body: { v: "reg:v" } },
];
const recordOf = (run: MachineResult) => ({
  ...run,
  inputHash: run.inputHash,
  outputHash: run.outputHash,
  vmVersion: VM_VERSION,
  program: { programHash: run.programHash },
});

describe("replay", () => {
  it("refuses a record of another machine version", () => {
    const record = { ...recordOf(runToEnd(aProgram(reads))), vmVersion: "imu-vm/9.9" };

    expect(replay(aDocument(reads), record, { view })).toMatchObject({
      ok: false,
      code: "vm_version_unsupported",
    });
  });

  it("refuses another document", () => {
    const record = recordOf(runToEnd(aProgram(reads)));

    const answer = replay(aDocument([{ op: "HALT" }]), record, { view });

    expect(answer).toMatchObject({ ok: false, code: "program_hash_mismatch" });
  });

  it("refuses a record whose payload was changed", () => {
    const record = { ...recordOf(runToEnd(aProgram(reads))), payload: { forged: true } };

    expect(replay(aDocument(reads), record, { view })).toMatchObject({
      ok: false,
      code: "input_hash_mismatch",
    });
  });

  it("names no entry when only the recorded result differs", () => {
    const record = { ...recordOf(runToEnd(aProgram(reads))), outputHash: "0".repeat(64) };

    const answer = replay(aDocument(reads), record, { view });

    expect(answer).toMatchObject({ ok: false, code: "replay_divergence", entry: null });
  });

  it.each([0, 1, 7, 64, 999, 1000, 1001, 2500])("reproduces a run cut after %i steps", (steps) => {
    const loop = [
      {
        op: "SPAWN",
        as: "t",
        body: [
          { op: "EVIDENCE", claim: "c" },
          { op: "RESPOND", body: {} },
        ],
      },
      { op: "JOIN", task: "reg:t" },
      { op: "STORE", reg: "r" },
      { op: "NEW_ARR" },
      { op: "POP" },
      { op: "JUMP", to: 3 },
    ];
    const machine = createMachine(aProgram(loop), {
      payload: {},
      trigger: { kind: "command" },
      limits: TIER_LIMITS.medium,
      inputs: { elapsedMs: () => 0 },
    });
    machine.runSlice(steps);
    const run = machine.cut("shutdown");

    const answer = replay(aDocument(loop), recordOf(run), { view });

    expect(answer).toMatchObject({ ok: true, outputHash: run.outputHash });
    expect(run.journal.at(-1)).toEqual({ t: "cut", reason: "shutdown", steps });
  });
});

describe("a shadow run", () => {
  it("answers another document from the record", () => {
    const recorded = runToEnd(aProgram(reads));
    const other = verifyProgram(aDocument([{ op: "NEW_ARR" }, { op: "POP" }, ...reads]), view);
    if (!other.ok) throw new Error("must verify");

    const shadow = shadowRun(other, recorded);

    expect(shadow.unrecorded).toEqual([]);
    expect(shadow.result.outcome).toEqual(recorded.outcome);
  });

  it("names the call the record cannot answer and ends there, past any handler", () => {
    const recorded = runToEnd(aProgram(reads));
    const other = aProgram([
      { op: "TRY", handler: "H" },
      { op: "CALL", fn: "f", args: [2] },
      { op: "POP" },
      { op: "ENDTRY" },
      { op: "HALT" },
      { op: "LABEL", name: "H" },
      { op: "POP" },
      { op: "HALT" },
    ]);

    const shadow = shadowRun(other, recorded);

    expect(shadow.unrecorded).toEqual([{ capability: "f", args: [2] }]);
    expect(shadow.result.error?.code).toBe("replay_missing_input");
  });
});

describe("a replay that is watched", () => {
  const loop = [
    { op: "CALL", fn: "f", args: [1] },
    { op: "STORE", reg: "n" },
    {
      op: "SPAWN",
      as: "t",
      body: [
        { op: "SLEEP_MS", ms: 20 },
        { op: "PUSH", value: 1 },
      ],
    },
    { op: "PUSH", value: 1200 },
    { op: "STORE", reg: "i" },
    { op: "LABEL", name: "again" },
    { op: "LOAD", reg: "i" },
    { op: "PUSH", value: 1 },
    { op: "SUB" },
    { op: "DUP" },
    { op: "STORE", reg: "i" },
    { op: "JNZ", label: "again" },
    { op: "JOIN", task: "reg:t" },
    { op: "POP" },
    { op: "EVIDENCE", claim: "ok" },
    { op: "RESPOND", body: { n: "reg:n" } },
  ];

  it("gives the same result, and every step is seen once", () => {
    const run = runToEnd(aProgram(loop));
    const seen: number[] = [];

    const answer = replay(aDocument(loop), recordOf(run), {
      view,
      observe: (machine) => void seen.push(machine.steps),
    });

    expect(answer).toMatchObject({ ok: true, outputHash: run.outputHash });
    expect(seen).toEqual(Array.from({ length: run.metrics.cpuSteps }, (_, i) => i));
  });

  it("is cut at the same step", () => {
    const forever = [
      { op: "LABEL", name: "a" },
      { op: "JUMP", label: "a" },
    ];
    const program = aProgram(forever);
    const machine = createMachine(program, {
      payload: {},
      trigger: { kind: "command" },
      limits: TIER_LIMITS.medium,
      inputs: { elapsedMs: () => 0 },
    });
    machine.runSlice(2345);
    const run = machine.cut("shutdown");
    let steps = 0;

    const answer = replay(aDocument(forever), recordOf(run), {
      view,
      observe: () => void steps++,
    });

    expect(answer).toMatchObject({ ok: true, outputHash: run.outputHash });
    expect(steps).toBe(2345);
  });

  it("finds the same divergence", () => {
    const run = runToEnd(aProgram(reads));
    const other = [{ op: "CALL", fn: "f", args: [2] }, ...reads.slice(1)];
    const record = { ...recordOf(run), program: { programHash: aProgram(other).programHash } };
    const options = { view, observe: () => undefined };

    expect(replay(aDocument(other), record, options)).toEqual(replay(aDocument(other), record, { view }));
    expect(replay(aDocument(other), record, options)).toMatchObject({ ok: false, entry: 0 });
  });
});
