/** What a command may touch of the process around it; tests hand in their own. */

import { NodeFiles } from "../adapters/node-files.ts";
import { SystemClock } from "../adapters/system-clock.ts";
import { SystemEntropy } from "../adapters/system-entropy.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";

export interface Io {
  /** Results: what a script reads. */
  readonly out: (text: string) => void;
  /** Notes, warnings and errors. */
  readonly err: (text: string) => void;
  /** Whether results go to a person's terminal. */
  readonly isTty: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly user: string;
  readonly files: Files;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** Aborted when the person interrupts the command. */
  readonly signal: AbortSignal;
}

/** The real process. */
export function processIo(): Io {
  const stop = new AbortController();
  process.once("SIGINT", () => stop.abort(new Error("interrupted")));
  // A reader that has seen enough (`| head`) is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    throw error;
  });
  const entropy = new SystemEntropy();
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    isTty: process.stdout.isTTY === true,
    env: process.env,
    cwd: process.cwd(),
    user: process.env.USER ?? "you",
    files: new NodeFiles(),
    // Commands only stamp and wait; whether the time is trusted is judged by the devices that receive them.
    clock: new SystemClock({ entropy, floorMs: 0, synchronised: () => true }),
    entropy,
    signal: stop.signal,
  };
}
