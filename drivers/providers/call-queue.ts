import { CodedError } from "../../firmware/core/errors.ts";
import { aborted, hardwareError } from "./errno.ts";

/**
 * One native call at a time per bus. A call that has begun cannot be recalled: when its caller gives up, the answer
 * is dropped and the bus stays taken until the call returns, so at most one abandoned call exists per bus.
 * Waiting calls that give up never touch the bus. More than `maxWaiting` are refused with `target_busy`.
 */
export class CallQueue {
  readonly #target: string;
  readonly #maxWaiting: number;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(target: string, maxWaiting = 16) {
    this.#target = target;
    this.#maxWaiting = maxWaiting;
  }

  async run<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (signal.aborted) throw aborted(this.#target, false, signal.reason);
    if (this.#waiting >= this.#maxWaiting) {
      throw new CodedError("target_busy", `${this.#target}: too many calls are waiting`, {
        status: 409,
        details: { target: this.#target, touched: false, waiting: this.#waiting },
      });
    }
    this.#waiting++;
    let begun = false;
    const turn = this.#tail.then(async () => {
      this.#waiting--;
      if (signal.aborted) throw aborted(this.#target, false, signal.reason);
      begun = true;
      return await work();
    });
    this.#tail = turn.catch(() => undefined);
    try {
      return await untilAborted(turn, signal, () => aborted(this.#target, begun, signal.reason));
    } catch (error) {
      throw hardwareError(error, this.#target, begun);
    }
  }

  /** Resolves when no call is running. */
  async idle(): Promise<void> {
    await this.#tail;
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal, reason: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(reason());
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
