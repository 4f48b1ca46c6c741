import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const script = `
  import { compilerState, createMachine, TIER_LIMITS, verifyProgram } from "./firmware/vm/index.ts";
  const code = [
    { op: "PUSH", value: 0 }, { op: "STORE", reg: "i" }, { op: "LABEL", name: "again" },
    { op: "LOAD", reg: "i" }, { op: "PUSH", value: 1 }, { op: "ADD" }, { op: "STORE", reg: "i" },
    { op: "LOAD", reg: "i" }, { op: "PUSH", value: 100 }, { op: "LT" }, { op: "JNZ", label: "again" },
    { op: "RESPOND", body: { i: "reg:i" } },
  ];
  const program = verifyProgram(
    { format: "imu.program/1", name: "t", version: "1.0.0", isa: 1, code },
    { resolve: () => null },
  );
  const machine = createMachine(program, {
    payload: {}, trigger: {}, limits: TIER_LIMITS.low, inputs: { elapsedMs: () => 0 }, executor: "compiled",
  });
  machine.runSlice(2000);
  process.stdout.write(JSON.stringify([compilerState(), machine.result.outcome.body, machine.steps]));
`;

const run = (...flags: readonly string[]): unknown =>
  JSON.parse(
    execFileSync(process.execPath, [...flags, "--import", "tsx", "--input-type=module", "-e", script], {
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
      encoding: "utf8",
    }),
  );

describe("a process that may not turn text into code", () => {
  it("runs programs on the interpreter, with the same result and steps", () => {
    const free = run();
    const forbidden = run("--disallow-code-generation-from-strings");

    expect(free).toEqual(["available", { i: 100 }, 803]);
    expect(forbidden).toEqual(["unavailable", { i: 100 }, 803]);
  });
});
