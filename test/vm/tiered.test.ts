/** Compilation pauses between its pieces; other runs of the same program arrive meanwhile, with other values. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../firmware/core/json.ts";
import {
  createMachine,
  type Executor,
  type Machine,
  type MachineResult,
  TIER_LIMITS,
  type VerifiedProgram,
} from "../../firmware/vm/index.ts";
import { aProgram } from "./support.ts";

const program = (): VerifiedProgram =>
  aProgram([
    { op: "PUSH", value: 0 },
    { op: "STORE", reg: "i" },
    { op: "PUSH", ref: "$.payload.start" },
    { op: "STORE", reg: "acc" },
    { op: "NEW_ARR" },
    { op: "STORE", reg: "list" },
    { op: "LABEL", name: "again" },
    { op: "CALLF", name: "twice", args: [{ to: "x", value: "reg:i" }] },
    { op: "STORE", reg: "y" },
    { op: "APPEND", oid: "reg:list", value: { y: "reg:y", i: "reg:i" } },
    { op: "LOAD", reg: "acc" },
    { op: "LOAD", reg: "y" },
    { op: "ADD" },
    { op: "STORE", reg: "acc" },
    { op: "LOAD", reg: "i" },
    { op: "PUSH", value: 1 },
    { op: "ADD" },
    { op: "STORE", reg: "i" },
    { op: "LOAD", reg: "i" },
    { op: "PUSH", ref: "$.payload.n" },
    { op: "LT" },
    { op: "JNZ", label: "again" },
    { op: "LEN", oid: "reg:list" },
    { op: "STORE", reg: "length" },
    { op: "RESPOND", body: { acc: "reg:acc", length: "reg:length" } },
    { op: "FUNC", name: "twice", params: ["x"] },
    { op: "LOAD", reg: "x" },
    { op: "PUSH", value: 2 },
    { op: "MUL" },
    { op: "RET" },
    { op: "ENDFUNC" },
  ]);

const machineOf = (of: VerifiedProgram, payload: Json, executor: Executor): Machine =>
  createMachine(of, {
    payload,
    trigger: {},
    limits: { ...TIER_LIMITS.medium, cpuSteps: 9000 },
    inputs: { elapsedMs: () => 0 },
    executor,
  });

function alone(of: VerifiedProgram, payload: Json): MachineResult {
  const machine = machineOf(of, payload, "interpreter");
  while (machine.result === null) machine.runSlice(2000);
  return machine.result;
}

const facts = ({ ended, outcome, metrics, error, inputHash, outputHash }: MachineResult) => ({
  ended,
  outcome,
  metrics,
  error,
  inputHash,
  outputHash,
});

const payload = fc.record({
  // A start that is no number fails at the addition; a long loop meets its quota.
  start: fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant("text")),
  n: fc.integer({ min: 1, max: 900 }),
});

describe("runs of one program beside each other while it is compiled", () => {
  it("come to what each comes to alone", { timeout: 60_000 }, () => {
    fc.assert(
      fc.property(
        fc.array(payload, { minLength: 6, maxLength: 14 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 4, maxLength: 12 }),
        (payloads, slices) => {
          const shared = program();
          const machines = payloads.map((one) => machineOf(shared, one, "tiered"));
          let turn = 0;
          for (let open = machines; open.length > 0; open = open.filter(({ result }) => result === null)) {
            for (const machine of open) {
              const steps = slices[turn++ % slices.length] ?? 100;
              machine.runSlice(steps, () => turn % 3 === 0);
            }
          }

          for (const [i, machine] of machines.entries()) {
            const { result } = machine;
            if (result === null) throw new Error("A machine has not ended.");
            expect(facts(result)).toEqual(facts(alone(shared, payloads[i] ?? null)));
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
