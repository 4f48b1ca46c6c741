import { ReceiveBuffer } from "../../drivers/receive-buffer.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SerialLine, SerialOptions } from "../../firmware/ports/hardware.ts";
import type { SerialTarget } from "../devices/target.ts";
import { serialByteUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";

const POLL_MS = 10;

export interface SimSerialOptions {
  readonly port: string;
  readonly options: SerialOptions;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly faults: FaultBoard;
  readonly target: SerialTarget | null;
  readonly nowUs: () => number;
  readonly onClose: () => void;
}

/** A simulated serial line with one owner; 4096 unread bytes, beyond that the oldest are dropped and counted. */
export class SimSerialLine implements SerialLine {
  readonly #options: SimSerialOptions;
  readonly #buffer = new ReceiveBuffer();
  #collectedUs: number;
  #closed = false;

  constructor(options: SimSerialOptions) {
    this.#options = options;
    this.#collectedUs = options.nowUs();
  }

  /** Bytes lost because nobody read them in time. */
  get dropped(): number {
    return this.#buffer.dropped;
  }

  async write(data: Uint8Array, signal: AbortSignal): Promise<void> {
    const { clock, options, target, nowUs } = this.#options;
    this.#assertPresent(signal);
    await clock.sleep((serialByteUs(options.baudRate, 10) * data.length) / 1000, signal);
    if (target && target.baudRate === options.baudRate) target.received(data, nowUs());
  }

  async read(
    request: { readonly maxBytes: number; readonly until?: Uint8Array; readonly withinMs: number },
    signal: AbortSignal,
  ): Promise<{ readonly data: Uint8Array; readonly timedOut: boolean }> {
    const { clock } = this.#options;
    const endMs = clock.monoMs() + request.withinMs;
    for (;;) {
      this.#assertPresent(signal);
      this.#collect();
      const data = this.#buffer.takeComplete(request.maxBytes, request.until);
      if (data) return { data, timedOut: false };
      const leftMs = endMs - clock.monoMs();
      if (leftMs <= 0) return { data: this.#buffer.take(request.maxBytes), timedOut: true };
      await clock.sleep(Math.min(POLL_MS, Math.max(leftMs, 1)), signal);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClose();
  }

  #assertPresent(signal: AbortSignal): void {
    const { port, faults } = this.#options;
    const target = `serial:${port}`;
    if (signal.aborted) throw busError("io_aborted", `${target}: aborted`, target, false);
    if (this.#closed || faults.has(target, "disappear")) {
      throw busError("io_error", `${target} is gone`, target, false);
    }
  }

  #collect(): void {
    const { target, nowUs, options, entropy, faults, port } = this.#options;
    const now = nowUs();
    if (target) {
      const sent = target.sentBetween(this.#collectedUs, now);
      const readable = target.baudRate === options.baudRate && options.parity === "none";
      // A receiver at another speed samples in the wrong places: the bytes are noise.
      const bytes = readable ? faults.damage(`serial:${port}`, sent) : entropy.bytes(sent.length);
      this.#buffer.push(bytes);
    }
    this.#collectedUs = now;
  }
}
