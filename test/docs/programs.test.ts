/** docs/programs.md: its tables are the product's, its examples verify and do what they say. */
import { expect, test } from "vitest";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { detachedRegistry } from "../../firmware/composition/state-capabilities.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { capabilityView, schemaCheck } from "../../firmware/runs/index.ts";
import {
  type CallAnswer,
  createMachine,
  type MachineResult,
  TIER_LIMITS,
  type VerifiedProgram,
  verifyProgram,
} from "../../firmware/vm/index.ts";
import { generatedSections, withSections } from "../../tools/docs.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { documentText, jsonExamples } from "./documents.ts";

const text = await documentText("programs.md");
const examples = jsonExamples(text);
const view = capabilityView(
  await detachedRegistry({ clock: new ManualClock(), entropy: new SystemEntropy() }),
);

function verified(document: Json): VerifiedProgram {
  const program = verifyProgram(document, view);
  if (!program.ok) throw new Error(JSON.stringify(program.issues));
  return program;
}

/** An answer written in a mark: an error if it says so, else the result. */
function answerOf(written: Json): CallAnswer {
  const error = isJsonObject(written) ? written.error : undefined;
  if (error === undefined || !isJsonObject(error)) return { ok: true, result: written, evidence: [] };
  const { code, reason, status, details } = error;
  return {
    ok: false,
    evidence: [],
    error: {
      code: String(code),
      reason: String(reason),
      status: Number(status),
      details: isJsonObject(details) ? details : {},
    },
  };
}

function run(document: Json, mark: JsonObject): { readonly result: MachineResult; readonly calls: number } {
  const answers = Array.isArray(mark.answers) ? (mark.answers as readonly Json[]) : [];
  const machine = createMachine(verified(document), {
    payload: mark.payload ?? {},
    trigger: { kind: "command" },
    limits: TIER_LIMITS.medium,
    inputs: { elapsedMs: () => 0 },
    checkSchema: schemaCheck,
  });
  let calls = 0;
  for (;;) {
    machine.runSlice(2000);
    if (machine.result) return { result: machine.result, calls };
    for (const request of machine.takeRequests()) {
      if (request.kind !== "call") throw new Error("This example waits; its mark has no answer for that.");
      const answer = answers[calls++];
      if (answer === undefined) throw new Error(`No answer for ${request.capability}.`);
      machine.complete({ kind: "call", request: request.id, answer: answerOf(answer) });
    }
  }
}

test("the tables are those that the product works with", async () => {
  expect(withSections(text, (await generatedSections())["programs.md"])).toBe(text);
});

test.each(examples.map(({ line, value }) => [line, value] as const))(
  "the program at line %i verifies without a warning",
  (_line, value) => {
    expect(verified(value).warnings).toEqual([]);
  },
);

const runs = examples.flatMap(({ line, value, mark }) =>
  mark?.word === "run" ? [[line, value, mark.data] as const] : [],
);

test("examples are run, not only read", () => {
  expect(runs.length).toBeGreaterThanOrEqual(4);
});

test.each(runs)("the program at line %i ends as its mark says", (_line, value, mark) => {
  const { result, calls } = run(value, mark);

  expect(result.error).toBeNull();
  expect(result.ended).toBe(mark.ended);
  expect(calls).toBe(Array.isArray(mark.answers) ? mark.answers.length : 0);
});
