/** Looks for the handler of a failure (vm.md 5.1). */
import { STRIDE } from "../verifier/lowered-program.ts";
import type { Run, Task } from "./run.ts";

/**
 * Drops frames up to the innermost region around the failure, cuts the stack to its depth at TRY and goes to the
 * handler. False if no region covers it; then all frames but the first are gone.
 */
export function unwind(run: Run, task: Task): boolean {
  const { regionOf, regions } = run.program;
  for (;;) {
    const region = regions[regionOf[task.pc / STRIDE] ?? -1];
    if (region) {
      task.state = "ready";
      task.sp = task.floor + region.depth;
      task.pc = region.handler;
      return true;
    }
    const caller = task.saved.pop();
    if (caller === undefined) return false;
    run.free(task.frame.bytes);
    task.frame = caller.frame;
    task.fp = caller.fp;
    task.floor = caller.floor;
    task.pc = caller.pc;
  }
}
