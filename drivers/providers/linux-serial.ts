import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock, Timer } from "../../firmware/ports/clock.ts";
import type { SerialLine, SerialOptions } from "../../firmware/ports/hardware.ts";
import { ReceiveBuffer } from "../receive-buffer.ts";
import { CallQueue } from "./call-queue.ts";
import { aborted, hardwareError } from "./errno.ts";
import { completed } from "./linux-spi.ts";
import type { SerialHandle, SerialModule } from "./native-modules.ts";

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 10_000;

/**
 * A serial port. When it vanishes (USB reset, cable), calls fail with `io_error` without touching anything, and it is
 * opened again with growing pauses from 0.1 to 10 s until it is back; unread bytes of the old connection are dropped.
 */
export class LinuxSerialLine implements SerialLine {
  readonly #open: () => SerialHandle;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #onClose: () => void;
  readonly #buffer = new ReceiveBuffer();
  readonly #writes: CallQueue;
  readonly #waiting = new Set<() => void>();
  #handle: SerialHandle | null = null;
  #retry: Timer | null = null;
  #reading = false;
  #closed = false;

  private constructor(open: () => SerialHandle, name: string, clock: Clock, onClose: () => void) {
    this.#open = open;
    this.#name = name;
    this.#clock = clock;
    this.#onClose = onClose;
    this.#writes = new CallQueue(name);
  }

  /** @throws CodedError `target_busy` when another process holds the port, `io_error`. */
  static async open(options: {
    readonly module: SerialModule;
    readonly path: string;
    readonly name: string;
    readonly serial: SerialOptions;
    readonly clock: Clock;
    readonly onClose: () => void;
  }): Promise<LinuxSerialLine> {
    const { module, path, name, serial, clock, onClose } = options;
    const open = () => new module.SerialPort({ path, dataBits: 8, autoOpen: false, lock: true, ...serial });
    const line = new LinuxSerialLine(open, name, clock, onClose);
    try {
      await line.#connect();
    } catch (error) {
      throw hardwareError(error, name, false);
    }
    return line;
  }

  /** Bytes lost because nobody read them in time. */
  get dropped(): number {
    return this.#buffer.dropped;
  }

  async write(data: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#writes.run(async () => {
      const handle = this.#present();
      await completed((done) => handle.write(Buffer.from(data), done));
      await completed((done) => handle.drain(done));
    }, signal);
  }

  async read(
    request: { readonly maxBytes: number; readonly until?: Uint8Array; readonly withinMs: number },
    signal: AbortSignal,
  ): Promise<{ readonly data: Uint8Array; readonly timedOut: boolean }> {
    if (this.#reading) throw this.#error("target_busy", "another reading is under way", 409);
    this.#reading = true;
    try {
      return await this.#read(request, signal);
    } finally {
      this.#reading = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#retry?.cancel();
    this.#wake();
    const handle = this.#handle;
    this.#handle = null;
    try {
      if (handle?.isOpen) await completed((done) => handle.close(done));
    } finally {
      this.#onClose();
    }
  }

  async #read(
    request: { readonly maxBytes: number; readonly until?: Uint8Array; readonly withinMs: number },
    signal: AbortSignal,
  ): Promise<{ readonly data: Uint8Array; readonly timedOut: boolean }> {
    const endMs = this.#clock.monoMs() + request.withinMs;
    for (;;) {
      if (signal.aborted) throw aborted(this.#name, false, signal.reason);
      const data = this.#buffer.takeComplete(request.maxBytes, request.until);
      if (data) return { data, timedOut: false };
      this.#present();
      const leftMs = endMs - this.#clock.monoMs();
      if (leftMs <= 0) return { data: this.#buffer.take(request.maxBytes), timedOut: true };
      await this.#change(leftMs, signal);
    }
  }

  /** Resolves when bytes came, the port vanished, the time is over or the caller gave up. */
  #change(withinMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = () => {
        timer.cancel();
        signal.removeEventListener("abort", finish);
        this.#waiting.delete(finish);
        resolve();
      };
      const timer = this.#clock.after(withinMs, finish);
      signal.addEventListener("abort", finish, { once: true });
      this.#waiting.add(finish);
    });
  }

  #wake(): void {
    for (const finish of [...this.#waiting]) finish();
  }

  async #connect(): Promise<void> {
    const handle = this.#open();
    let failed = false;
    const lost = () => {
      if (failed || this.#handle !== handle) return;
      failed = true;
      this.#handle = null;
      this.#wake();
      this.#reopenAfter(FIRST_RETRY_MS);
    };
    handle.on("data", (data) => {
      this.#buffer.push(data);
      this.#wake();
    });
    handle.on("close", lost);
    handle.on("error", lost);
    await completed((done) => handle.open(done));
    if (this.#closed) {
      await completed((done) => handle.close(done));
      return;
    }
    this.#buffer.clear();
    this.#handle = handle;
  }

  #reopenAfter(ms: number): void {
    if (this.#closed) return;
    this.#retry = this.#clock.after(ms, () => {
      // A port that is still away is the expected case; calls report it meanwhile.
      this.#connect().catch(() => this.#reopenAfter(Math.min(ms * 2, LAST_RETRY_MS)));
    });
  }

  #present(): SerialHandle {
    if (this.#handle && !this.#closed) return this.#handle;
    throw this.#error("io_error", "the port is gone", 500);
  }

  #error(code: string, why: string, status: number): CodedError {
    const details = { target: this.#name, touched: false };
    return new CodedError(code, `${this.#name}: ${why}`, { status, details });
  }
}
