/** Who walks the code of a task: the reference interpreter alone, or compiled code with the interpreter beside it. */
import { CompiledCode } from "./compiler/compiled-code.ts";
import { interpret } from "./interpreter.ts";
import type { LoweredProgram } from "./lowered-program.ts";
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

/** Code is kept with its program: every run of it finds what earlier ones have compiled. */
const tiered = new WeakMap<LoweredProgram, Execute>();
const eager = new WeakMap<LoweredProgram, Execute>();

function kept(of: WeakMap<LoweredProgram, Execute>, program: LoweredProgram, make: () => Execute): Execute {
  const known = of.get(program);
  if (known !== undefined) return known;
  const made = make();
  of.set(program, made);
  return made;
}

export function executorOf(program: LoweredProgram, executor: Executor): Execute {
  switch (executor) {
    case "interpreter":
      return INTERPRETER;
    case "compiled":
      return kept(eager, program, () => new CompiledCode(program, 0));
    case "tiered":
      return kept(tiered, program, () => new CompiledCode(program));
  }
}
