/** What a tool may see of a machine between two instructions. */
import type { Json } from "../../core/json.ts";
import { toJson } from "../values/json-values.ts";
import type { Value } from "../values/values.ts";
import type { MachineView } from "./machine-types.ts";
import type { Run, Task } from "./run.ts";
import { Trap } from "./trap.ts";

/** A value for a person: what has no JSON form is named. */
function shown(value: Value | undefined): Json {
  try {
    return toJson(value ?? null);
  } catch (error) {
    if (!(error instanceof Trap)) throw error;
    return `<${error.reason}>`;
  }
}

export function viewOf(run: Run, task: Task, turn: number, at: MachineView["at"] | null): MachineView {
  const { memory, fp, floor, sp, frame } = task;
  const registers = frame.registerNames.map((name, i): [string, Json] => [name, shown(memory[fp + i])]);
  return {
    task: task.id,
    turn,
    at: at ?? { unit: frame.unit, index: 0, fn: frame.fn },
    stack: memory.slice(floor, sp).map(shown),
    registers: Object.fromEntries(registers),
    steps: run.steps,
    memoryBytes: run.memory,
  };
}

/** The stack of a task as JSON. @throws Trap if a value has no JSON form. */
export const stackOf = ({ memory, floor, sp }: Task): readonly Json[] =>
  memory.slice(floor, sp).map((value) => toJson(value));
