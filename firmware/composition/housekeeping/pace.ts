/** Long work in slices: it rests as long as it has worked, so that runs and messages always find a free turn. */
import { RETENTION_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../ports/clock.ts";

/**
 * To be awaited between rows: rests when the slice is used up.
 * @throws the signal's reason when aborted.
 */
export function paced(clock: Clock, signal: AbortSignal): () => Promise<void> {
  const { sliceMs } = RETENTION_LIMITS;
  let until = clock.monoMs() + sliceMs;
  return async () => {
    signal.throwIfAborted();
    if (clock.monoMs() < until) return;
    await clock.sleep(sliceMs, signal);
    until = clock.monoMs() + sliceMs;
  };
}
