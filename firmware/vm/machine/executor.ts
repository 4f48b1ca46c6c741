/** Who walks the code of a task: the reference interpreter alone, or compiled code with the interpreter beside it. */
import { CompiledCode, compilerState } from "../compiler/compiled-code.ts";
import type { LoweredProgram } from "../verifier/lowered-program.ts";
import { interpret } from "./interpreter.ts";
import type { Executor } from "./machine-types.ts";
import type { Run, Task } from "./run.ts";

export interface Execute {
  /** Steps between two looks at the pause function of a slice (vm.md 9). */
  readonly pauseSteps: number;
  /** Whether a task that runs alone may go on through the ends of its turns. */
  readonly passesTurns: boolean;
  /** Runs the task until it blocks, ends or reaches `run.stopAt`. @throws Trap. */
  run(run: Run, task: Task): void;
}

const INTERPRETER: Execute = {
  pauseSteps: 64,
  passesTurns: false,
  run: (run, task) => interpret(run, task, null),
};

export function executorOf(program: LoweredProgram, executor: Executor): Execute {
  const { executors } = program;
  switch (compilerState() === "available" ? executor : "interpreter") {
    case "interpreter":
      return INTERPRETER;
    case "compiled":
      executors.compiled ??= new CompiledCode(program, 0);
      return executors.compiled;
    case "tiered":
      executors.tiered ??= new CompiledCode(program);
      return executors.tiered;
  }
}
