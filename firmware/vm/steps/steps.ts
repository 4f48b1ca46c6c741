/** All steps by instruction name, and those behind the integer-coded operations. */

import { OP, type Step } from "../verifier/lowered-program.ts";
import { controlMakers, controlSteps } from "./control.ts";
import { dataMakers, dataSteps } from "./data.ts";
import { evaluate } from "./evaluate.ts";
import { numberMakers, numberSteps } from "./number.ts";
import type { StepMaker, StepSource } from "./step-builder.ts";
import { NULL_OPERAND } from "./step-builder.ts";
import { textMakers, textSteps } from "./text.ts";

const stackSteps: Readonly<Record<string, Step>> = {
  SWAP: (_run, task) => {
    const b = task.pop();
    const a = task.pop();
    task.push(b);
    task.push(a);
  },
  OVER: (_run, task) => {
    const b = task.pop();
    const a = task.pop();
    task.push(a);
    task.push(b);
    task.push(a);
  },
};

const push: StepMaker = ({ operand }) => {
  const value = operand("value") ?? operand("ref") ?? NULL_OPERAND;
  return (run, task) => task.push(evaluate(run, task, value));
};

const plain: ReadonlyMap<string, Step> = new Map(
  Object.entries({ ...stackSteps, ...numberSteps, ...textSteps, ...dataSteps, ...controlSteps }),
);
const makers: ReadonlyMap<string, StepMaker> = new Map(
  Object.entries({ PUSH: push, ...numberMakers, ...textMakers, ...dataMakers, ...controlMakers }),
);

/** The step of an instruction that the interpreter does not do itself. */
export function makeStep(source: StepSource): Step {
  const name = String(source.instr.op);
  const step = plain.get(name) ?? makers.get(name)?.(source);
  if (step === undefined) throw new Error(`The instruction ${name} has no step.`);
  return step;
}

const cold: Step[] = [];
for (const [name, op] of Object.entries(OP)) {
  const step = plain.get(name);
  if (step) cold[op] = step;
}

/** What an integer-coded operation does when its operands are not the plain case. */
export function coldStep(op: number): Step {
  const step = cold[op];
  if (step === undefined) throw new Error(`The operation ${op} has no step.`);
  return step;
}
