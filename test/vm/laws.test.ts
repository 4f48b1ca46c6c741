import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type MachineResult, replay, VM_VERSION, verifyProgram } from "../../firmware/vm/index.ts";
import { aDocument, aProgram, runToEnd, view } from "./support.ts";

const scalar = fc.oneof(
  fc.constantFrom<unknown>(0, 1, -1, 2.5, 1e300, "", "a😀", "12", null, true, { lit: [] }, { bytes: "00ff" }),
  fc.integer({ min: -40, max: 40 }),
);
const plain = fc.constantFrom(
  ...[
    "POP",
    "DUP",
    "SWAP",
    "OVER",
    "ADD",
    "SUB",
    "MUL",
    "DIV",
    "MOD",
    "IDIV",
    "EQ",
    "LT",
    "AND",
    "NOT",
    "NEG",
    "SQRT",
  ],
  ...[
    "CONCAT",
    "FIND",
    "TO_STR",
    "TO_NUM",
    "HASH",
    "TYPE",
    "NEW_ARR",
    "NEW_OBJ",
    "BAND",
    "SHL",
    "ELAPSED",
    "ROUND",
  ],
);
const registers = fc.constantFrom("x", "y");
const instruction: fc.Arbitrary<Record<string, unknown>> = fc.oneof(
  { weight: 4, arbitrary: scalar.map((value) => ({ op: "PUSH", value })) },
  { weight: 6, arbitrary: plain.map((op) => ({ op })) },
  { weight: 2, arbitrary: registers.map((reg) => ({ op: "STORE", reg })) },
  { weight: 2, arbitrary: registers.map((reg) => ({ op: "LOAD", reg })) },
  { weight: 1, arbitrary: fc.nat(30).map((to) => ({ op: "JNZ", to })) },
  { weight: 1, arbitrary: fc.nat(30).map((to) => ({ op: "JUMP", to })) },
  { weight: 1, arbitrary: registers.map((reg) => ({ op: "APPEND", oid: `reg:${reg}`, value: 1 })) },
  { weight: 1, arbitrary: fc.nat(20).map((ms) => ({ op: "SLEEP_MS", ms })) },
  { weight: 1, arbitrary: fc.constant({ op: "CALL", fn: "f", args: ["reg:x"] }) },
  {
    weight: 1,
    arbitrary: fc.constant({
      op: "SPAWN",
      as: "t",
      body: [{ op: "SLEEP_MS", ms: 3 }, { op: "CALL", fn: "f" }, { op: "POP" }],
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: "EVIDENCE", claim: "c", sources: ["vm://t"] }) },
);
const code = fc.array(instruction, { minLength: 1, maxLength: 30 });

/** Random code rarely balances its stack, so each instruction is kept only if the program still verifies. */
function verifiable(instructions: readonly Record<string, unknown>[]): Record<string, unknown>[] {
  const kept: Record<string, unknown>[] = [];
  for (const instr of instructions) {
    const next = [
      ...kept,
      typeof instr.to === "number" ? { ...instr, to: instr.to % (kept.length + 1) } : instr,
    ];
    if (verifyProgram(aDocument(next), view).ok) kept.push(next.at(-1) ?? instr);
  }
  return kept.length > 0 ? kept : [{ op: "HALT" }];
}

const limits = { cpuSteps: 3000, memKb: 64 };
const comparable = ({ outcome, journal, metrics, error }: MachineResult) => ({
  outcome,
  journal,
  metrics,
  error,
});

describe("laws of the machine", () => {
  it("never underflows nor fails inside once a program verifies", () => {
    fc.assert(
      fc.property(code, (instructions) => {
        const { error } = runToEnd(aProgram(verifiable(instructions)), { limits });
        expect(error?.reason).not.toBe("stack_underflow");
        expect(error?.code).not.toBe("vm_internal");
      }),
      { numRuns: 150 },
    );
  });

  it("gives the same result, steps, memory and journal whatever the slices", () => {
    fc.assert(
      fc.property(code, fc.integer({ min: 1, max: 50 }), (instructions, slice) => {
        const program = aProgram(verifiable(instructions));
        const whole = comparable(runToEnd(program, { limits }));
        expect(comparable(runToEnd(program, { limits, slice }))).toEqual(whole);
        expect(comparable(runToEnd(program, { limits, slice: 1 }))).toEqual(whole);
      }),
      { numRuns: 100 },
    );
  });

  it("replays every recorded run to the same hashes", () => {
    fc.assert(
      fc.property(code, (instructions) => {
        const document = aDocument(verifiable(instructions));
        const program = verifyProgram(document, view);
        if (!program.ok) throw new Error("must verify");
        const run = runToEnd(program, { limits });
        const { inputHash, outputHash } = run;
        const identity = { programHash: run.programHash };
        const record = { ...run, inputHash, outputHash, vmVersion: VM_VERSION, program: identity };
        expect(replay(document, record, { view })).toMatchObject({ ok: true, outputHash: run.outputHash });
      }),
      { numRuns: 100 },
    );
  });
});
