/**
 * Who runs the programs of this device. The configuration chooses; a process that may not turn text into code runs them
 * all on the interpreter and says so.
 */
import type { JsonObject } from "../core/json.ts";
import type { Log } from "../ports/log.ts";
import { compilerState, type Executor } from "../vm/index.ts";

const DISABLED = "code generation is disabled";

export interface ExecutorInUse {
  readonly configured: Executor;
  readonly executor: Executor;
  /** Why it is not the configured one; null if it is. */
  readonly reason: string | null;
}

/** @param compiler of this process: Node.js can be started with `--disallow-code-generation-from-strings`. */
export function executorInUse(
  configured: Executor,
  compiler: ReturnType<typeof compilerState> = compilerState(),
): ExecutorInUse {
  if (configured === "interpreter" || compiler === "available")
    return { configured, executor: configured, reason: null };
  return { configured, executor: "interpreter", reason: DISABLED };
}

/** The same, with one line in the log if it is not the configured one. */
export function chooseExecutor(configured: Executor, log: Log): ExecutorInUse {
  const chosen = executorInUse(configured);
  if (chosen.reason !== null) log.warn("vm_executor", { ...chosen });
  return chosen;
}

export const executorJson = (inUse: ExecutorInUse): JsonObject => ({ ...inUse });

/** For people: `tiered`, or `interpreter (code generation is disabled)`. */
export const executorText = ({
  executor,
  reason,
}: {
  readonly executor: string;
  readonly reason: string | null;
}): string => (reason === null ? executor : `${executor} (${reason})`);
