import { CallQueue } from "../../drivers/providers/call-queue.ts";
import type { CodedError } from "../../firmware/core/errors.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SerialLine, SerialOptions } from "../../firmware/ports/hardware.ts";
import type { Boot } from "./boot.ts";
import { serialByteUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";
import { Listeners } from "./listeners.ts";
import { reopenedUs, type SerialPort } from "./serial-port.ts";
import { SerialReceiver } from "./serial-receiver.ts";
import { traceBytes } from "./trace-bytes.ts";

/** How often a line is looked at while something may come, and how long a burst is left to gather. */
const POLL_MS = 10;

type ReadRequest = Parameters<SerialLine["read"]>[0];
type ReadResult = Awaited<ReturnType<SerialLine["read"]>>;

export interface SimSerialOptions {
  readonly port: SerialPort;
  readonly options: SerialOptions;
  readonly boot: Boot;
  /** Noise, and how much of a cut write was sent. */
  readonly entropy: Entropy;
  readonly faults: FaultBoard;
  readonly onClose: () => void;
}

/**
 * A simulated serial line with one owner. A port that vanished fails with `io_error`; one that came back under its name
 * is used again once the provider would have opened it.
 */
export class SimSerialLine implements SerialLine {
  readonly #options: SimSerialOptions;
  readonly #receiver: SerialReceiver;
  readonly #queue: CallQueue;
  readonly #name: string;
  readonly #byteUs: number;
  readonly #waiting = new Listeners<[]>();
  readonly #portChanges: Disposable;
  #outagesKnown: number;
  #sending: Uint8Array | null = null;
  #isReading = false;
  #isClosed = false;

  constructor(options: SimSerialOptions) {
    const { port, options: serial, boot, entropy, faults } = options;
    this.#options = options;
    this.#name = `serial:${port.name}`;
    this.#receiver = new SerialReceiver({ port, serial, boot, entropy, faults });
    this.#queue = new CallQueue(this.#name);
    this.#byteUs = serialByteUs(serial.baudRate, 9 + (serial.parity === "none" ? 0 : 1) + serial.stopBits);
    this.#outagesKnown = port.outage?.number ?? 0;
    this.#portChanges = port.onChange(() => this.#waiting.tell());
  }

  /** Bytes lost because nobody read them in time. */
  get dropped(): number {
    return this.#receiver.dropped;
  }

  /** Bytes lost because the kernel's buffer was full: the process was frozen. */
  get overflowed(): number {
    return this.#receiver.overflowed;
  }

  get framingErrors(): number {
    return this.#receiver.framingErrors;
  }

  async write(data: Uint8Array, signal: AbortSignal): Promise<void> {
    const label = `serial.write:${this.#options.port.name}`;
    await this.#queue.run(
      () =>
        this.#options.boot.take(
          label,
          () => this.#write(data),
          () => this.#sendPart(data),
        ),
      signal,
    );
  }

  async read(request: ReadRequest, signal: AbortSignal): Promise<ReadResult> {
    if (this.#isReading) {
      throw busError("target_busy", `${this.#name}: another reading is under way`, this.#name, false);
    }
    this.#isReading = true;
    const { boot, port } = this.#options;
    try {
      return await boot.take(`serial.read:${port.name}`, () => this.#read(request, signal));
    } finally {
      this.#isReading = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#close();
    this.#options.onClose();
  }

  /** The process stops running for a while: what has come up to now it has. */
  freeze(nowUs: number): void {
    this.#receiver.collect(nowUs);
  }

  /** The process has ended; of a write under way the kernel sends the rest, unless the power is gone too. */
  end(how: "power" | "process"): void {
    const sending = this.#sending;
    this.#sending = null;
    if (sending && how === "power") this.#sendPart(sending);
    else if (sending) this.#arrive(sending);
    this.#close();
  }

  #close(): void {
    this.#isClosed = true;
    this.#portChanges[Symbol.dispose]();
    this.#waiting.tell();
  }

  async #write(data: Uint8Array): Promise<void> {
    const { boot, port, faults } = this.#options;
    const nowUs = this.#connected();
    this.#receiver.collect(nowUs);
    const slowness = faults.active(this.#name)?.slowness() ?? 1;
    const timeUs = Math.round(this.#byteUs * data.length * slowness);
    if (port.rs485) this.#receiver.deafUntil(nowUs + timeUs + port.rs485.turnAroundUs);
    this.#sending = data;
    await boot.wait(timeUs);
    this.#sending = null;
    boot.record?.("serial", { port: port.name, write: traceBytes(data) });
    if (!port.isPresent || this.#isClosed) throw this.#gone(true);
    this.#arrive(data);
    this.#waiting.tell();
    if (boot.frozenUntilUs > 0) await boot.seen(null);
  }

  /** What was sent is at the other end, which may hear only noise. */
  #arrive(data: Uint8Array): void {
    const { boot, port, entropy } = this.#options;
    if (data.length === 0) return;
    port.target?.received(this.#receiver.isReadable ? data : entropy.bytes(data.length), boot.nowUs());
  }

  /** Cut in the middle: the first k of n bytes have been sent, k = int(n+1) (simulator.md 4). */
  #sendPart(data: Uint8Array): void {
    const { boot, port, entropy } = this.#options;
    const taken = entropy.below(data.length + 1);
    boot.record?.("serial.cut", { port: port.name, taken });
    this.#arrive(data.subarray(0, taken));
  }

  async #read(request: ReadRequest, signal: AbortSignal): Promise<ReadResult> {
    const { boot } = this.#options;
    const endMs = boot.clock.monoMs() + request.withinMs;
    for (;;) {
      if (signal.aborted) throw busError("io_aborted", `${this.#name}: aborted`, this.#name, false);
      this.#receiver.collect(this.#connected());
      const data = this.#receiver.takeComplete(request.maxBytes, request.until);
      if (data) return this.#result(data, false);
      const leftMs = endMs - boot.clock.monoMs();
      if (leftMs <= 0) return this.#result(this.#receiver.take(request.maxBytes), true);
      await this.#change(Math.min(leftMs, this.#lookAgainMs()), signal);
    }
  }

  #result(data: Uint8Array, timedOut: boolean): ReadResult {
    const { boot, port } = this.#options;
    if (data.length > 0) boot.record?.("serial", { port: port.name, read: traceBytes(data) });
    return { data, timedOut };
  }

  /** How long nothing can come; not long for parts that do not say. */
  #lookAgainMs(): number {
    const { target } = this.#options.port;
    if (!target) return Number.POSITIVE_INFINITY;
    if (!target.nextSentUs) return POLL_MS;
    const { collectedUs } = this.#receiver;
    const nextUs = target.nextSentUs(collectedUs);
    return nextUs === null ? Number.POSITIVE_INFINITY : Math.max(0, nextUs - collectedUs) / 1000 + POLL_MS;
  }

  /** Resolves when the time is over, something was sent, the port changed or the caller gave up. */
  #change(withinMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        timer.cancel();
        signal.removeEventListener("abort", finish);
        waiting[Symbol.dispose]();
        resolve();
      };
      const timer = this.#options.boot.clock.after(withinMs, finish);
      const waiting = this.#waiting.add(finish);
      signal.addEventListener("abort", finish, { once: true });
    });
  }

  /** True time, if the port is there and open. @throws CodedError `io_error`. */
  #connected(): number {
    const { port, boot } = this.#options;
    const nowUs = boot.nowUs();
    if (this.#isClosed) throw this.#gone(false);
    const { outage } = port;
    if (!outage || outage.number === this.#outagesKnown) return nowUs;
    if (outage.backUs === null) throw this.#gone(false);
    const openUs = reopenedUs(outage.goneUs, outage.backUs);
    if (openUs > nowUs) throw this.#gone(false);
    this.#outagesKnown = outage.number;
    this.#receiver.restart(openUs);
    return nowUs;
  }

  #gone(touched: boolean): CodedError {
    return busError("io_error", `${this.#name} is gone`, this.#name, touched, "ENODEV");
  }
}
