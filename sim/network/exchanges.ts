import type { CodedError } from "../../firmware/core/errors.ts";
import type { Timer } from "../../firmware/ports/clock.ts";
import type { NetworkHost } from "./wire.ts";

interface Pending {
  readonly subject: string;
  /** Of the host's monotonic clock; null without a limit. */
  readonly deadlineMs: number | null;
  readonly resolve: () => void;
  readonly reject: (error: CodedError) => void;
}

export interface ExchangesOptions {
  readonly host: NetworkHost;
  /** What waits is rejected with it when the connection ends. */
  readonly linkDown: () => CodedError;
  readonly onOverdue: () => void;
}

/** What a client's connection waits for: answers by packet identifier, their deadlines, and its timers. */
export class Exchanges {
  readonly #options: ExchangesOptions;
  /** Oldest first. */
  readonly #pending = new Map<number, Pending>();
  readonly #rejects = new Set<(error: CodedError) => void>();
  readonly #timers = new Set<Timer>();
  #lastPacketId = 0;
  #hasDeadlineTimer = false;
  #isEnded = false;

  constructor(options: ExchangesOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** What the packet was about: a topic, or filters. */
  subject(packetId: number): string {
    return this.#pending.get(packetId)?.subject ?? "";
  }

  nextPacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    while (this.#pending.has(this.#lastPacketId));
    return this.#lastPacketId;
  }

  /** Sends a packet and waits for its answer, at most `limitMs`. */
  send(
    subject: string,
    limitMs: number | null,
    send: (packetId: number) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return this.tracked((resolve, reject) => {
      const deadlineMs = limitMs === null ? null : this.#options.host.clock.monoMs() + limitMs;
      const packetId = this.nextPacketId();
      this.#pending.set(packetId, { subject, deadlineMs, resolve, reject });
      if (deadlineMs !== null) this.#watchDeadline();
      send(packetId);
    }, signal);
  }

  /** The answer has arrived; false if nobody waits for it. */
  settle(packetId: number, error: CodedError | null): boolean {
    const pending = this.#pending.get(packetId);
    if (!pending) return false;
    this.#pending.delete(packetId);
    if (error) pending.reject(error);
    else pending.resolve();
    return true;
  }

  /** A promise that is rejected when the connection ends before it settles. */
  tracked(
    run: (resolve: () => void, reject: (error: CodedError) => void) => void,
    signal?: AbortSignal,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const finish = (settle: () => void): void => {
        this.#rejects.delete(rejected);
        signal?.removeEventListener("abort", aborted);
        settle();
      };
      const rejected = (error: CodedError): void => finish(() => reject(error));
      const aborted = (): void => finish(() => reject(signal?.reason));
      this.#rejects.add(rejected);
      signal?.addEventListener("abort", aborted, { once: true });
      run(() => finish(resolve), rejected);
    });
  }

  /** Calls once after `ms` of the host's time, unless the connection or the host has ended. */
  after(ms: number, run: () => void): void {
    const { clock, steps } = this.#options.host;
    const timer = clock.after(ms, () => {
      this.#timers.delete(timer);
      if (steps.alive && !this.#isEnded) run();
    });
    this.#timers.add(timer);
  }

  /** The connection is down: nothing is answered any more. */
  end(): void {
    this.#isEnded = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#pending.clear();
    const rejects = [...this.#rejects];
    this.#rejects.clear();
    for (const reject of rejects) reject(this.#options.linkDown());
  }

  /** One timer for all of them, for the oldest deadline. */
  #watchDeadline(): void {
    if (this.#hasDeadlineTimer) return;
    const nowMs = this.#options.host.clock.monoMs();
    for (const [packetId, { deadlineMs }] of this.#pending) {
      if (deadlineMs === null) continue;
      this.#hasDeadlineTimer = true;
      this.after(Math.max(1, deadlineMs - nowMs), () => this.#onDeadline(packetId, deadlineMs));
      return;
    }
  }

  #onDeadline(packetId: number, deadlineMs: number): void {
    this.#hasDeadlineTimer = false;
    if (this.#pending.get(packetId)?.deadlineMs === deadlineMs) this.#options.onOverdue();
    else this.#watchDeadline();
  }
}
