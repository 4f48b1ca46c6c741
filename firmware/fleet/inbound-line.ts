/** Bounds the work that messages from outside can cause: a token bucket with a short line before it (trust.md 7, row 2). */
import { messageOf } from "../core/errors.ts";
import { TokenBucket } from "../core/token-bucket.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { InboundMessage } from "../ports/message-bus.ts";

export interface InboundLineOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly rate: { readonly rps: number; readonly burst: number };
  /** Waiting messages; beyond it the oldest goes, so that a flood delays a good message but does not bar it. */
  readonly maxWaiting: number;
  readonly handle: (message: InboundMessage) => Promise<void>;
  readonly onDropped: () => void;
}

/** Hands messages to `handle` one at a time, in order, no faster than the rate. */
export class InboundLine implements AsyncDisposable {
  readonly #options: InboundLineOptions;
  readonly #bucket: TokenBucket;
  readonly #stop = new AbortController();
  #waiting: InboundMessage[] = [];
  #working: Promise<void> | null = null;

  constructor(options: InboundLineOptions) {
    this.#options = options;
    this.#bucket = new TokenBucket(options.rate, options.clock.monoMs());
  }

  push(message: InboundMessage): void {
    if (this.#stop.signal.aborted) return;
    if (this.#waiting.length >= this.#options.maxWaiting) {
      this.#waiting.shift();
      this.#options.onDropped();
    }
    this.#waiting.push(message);
    this.#ensureWorking();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("closed"));
    this.#waiting = [];
    await this.#working;
  }

  #ensureWorking(): void {
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
      if (this.#waiting.length > 0 && !this.#stop.signal.aborted) this.#ensureWorking();
    });
  }

  async #work(): Promise<void> {
    const { clock, log, handle } = this.#options;
    const { signal } = this.#stop;
    while (this.#waiting.length > 0 && !signal.aborted) {
      try {
        const turn = this.#bucket.take(1, clock.monoMs());
        if (!turn.ok) {
          await clock.sleep(turn.retryAfterMs ?? 1000, signal);
          continue;
        }
        const message = this.#waiting.shift();
        if (message) await handle(message);
      } catch (error) {
        if (!signal.aborted) log.error("inbound_failed", { problem: messageOf(error) });
      }
    }
  }
}
