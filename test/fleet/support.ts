import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import type { Log } from "../../firmware/ports/log.ts";

const ignore = (): void => undefined;
/** A log that says nothing. */
export const silentLog: Log = {
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  child: () => silentLog,
};

export const entropy = new SystemEntropy();
export const realClock = (): SystemClock =>
  new SystemClock({ entropy, floorMs: 0, synchronised: () => true });

/** Waits until a condition holds; fails the test after `withinMs`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  withinMs = 8000,
): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
