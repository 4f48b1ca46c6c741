import { describe, expect, it } from "vitest";
import type { SchemaCheck } from "../../firmware/vm/index.ts";
import { createMachine, TIER_LIMITS } from "../../firmware/vm/index.ts";
import { aProgram } from "./support.ts";

const reply = [
  { op: "EVIDENCE", claim: "ok" },
  { op: "RESPOND", body: { n: "$.payload.n" } },
];
const contract = { payload: { type: "object" }, response: { type: "object" } };

function run(check: SchemaCheck) {
  const machine = createMachine(aProgram(reply, contract), {
    payload: { n: 1 },
    trigger: { kind: "command" },
    limits: TIER_LIMITS.low,
    inputs: { elapsedMs: () => 0 },
    checkSchema: check,
  });
  machine.runSlice(2000);
  return machine.result;
}

describe("the contracts of a document", () => {
  it("let a run through when payload and reply meet them", () => {
    expect(run(() => null)).toMatchObject({ ended: "responded", outcome: { body: { n: 1 } } });
  });

  it("refuse the payload before the first step", () => {
    const result = run(() => ({ reason: "missing_param", path: "$.a" }));

    expect(result).toMatchObject({
      ended: "failed",
      status: 422,
      error: { code: "contract_violation", details: { where: "payload", reason: "missing_param" } },
      metrics: { cpuSteps: 0 },
    });
  });

  it("refuse the reply, which then has no body", () => {
    let asked = 0;

    const result = run(() => (++asked === 2 ? { reason: "type_mismatch", path: "$.n" } : null));

    expect(result).toMatchObject({
      ended: "failed",
      outcome: { body: null },
      error: { details: { where: "response" } },
    });
  });

  it("need a schema check, or no machine is made", () => {
    const program = aProgram(reply, contract);
    const options = { payload: {}, trigger: {}, limits: TIER_LIMITS.low, inputs: { elapsedMs: () => 0 } };

    expect(() => createMachine(program, options)).toThrow(/schema check/);
  });
});
