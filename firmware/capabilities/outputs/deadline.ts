import { CodedError } from "../../core/errors.ts";
import type { Clock } from "../../ports/clock.ts";

/** Rejects with `io_timeout` (503) when `work` takes longer than `ms`; the work itself is not stopped. */
export async function within<T>(clock: Clock, ms: number, work: Promise<T>): Promise<T> {
  let fire: (error: Error) => void = () => undefined;
  const late = new Promise<never>((_, reject) => {
    fire = reject;
  });
  const timer = clock.after(ms, () =>
    fire(new CodedError("io_timeout", `No answer within ${ms} ms.`, { status: 503 })),
  );
  try {
    return await Promise.race([work, late]);
  } finally {
    timer.cancel();
  }
}
