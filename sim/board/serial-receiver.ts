import { ReceiveBuffer } from "../../drivers/receive-buffer.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SerialOptions } from "../../firmware/ports/hardware.ts";
import type { Boot } from "./boot.ts";
import type { FaultBoard } from "./faults.ts";
import type { SerialPort } from "./serial-port.ts";

/** The kernel's buffer of a terminal line (N_TTY_BUF_SIZE). What does not fit is lost: the newest (simulator.md 4). */
const KERNEL_BYTES = 4096;

export interface SerialReceiverOptions {
  readonly port: SerialPort;
  readonly serial: SerialOptions;
  readonly boot: Boot;
  readonly entropy: Entropy;
  readonly faults: FaultBoard;
}

/**
 * The receiving side of an open port. A process that runs takes bytes out of the kernel as they come and keeps the newest
 * 4096 unread ones, as the real provider does (capabilities.md 11). While it is frozen they stay in the kernel's buffer,
 * which keeps the oldest.
 */
export class SerialReceiver {
  readonly #options: SerialReceiverOptions;
  readonly #unread = new ReceiveBuffer();
  #kernel: number[] = [];
  #collectedUs: number;
  #deafUntilUs = 0;
  #framingErrors = 0;
  #overflowed = 0;

  constructor(options: SerialReceiverOptions) {
    this.#options = options;
    this.#collectedUs = options.boot.nowUs();
  }

  /** Bytes that the process had no room for. */
  get dropped(): number {
    return this.#unread.dropped;
  }

  /** Bytes that the kernel had no room for. */
  get overflowed(): number {
    return this.#overflowed;
  }

  get framingErrors(): number {
    return this.#framingErrors;
  }

  /** Everything up to here is known. */
  get collectedUs(): number {
    return this.#collectedUs;
  }

  /** True if what is heard on this port is what was sent. */
  get isReadable(): boolean {
    const { port, serial } = this.#options;
    const { target } = port;
    return (
      target === null || (target.baudRate === serial.baudRate && (target.parity ?? "none") === serial.parity)
    );
  }

  takeComplete(maxBytes: number, until?: Uint8Array): Uint8Array | null {
    return this.#unread.takeComplete(maxBytes, until);
  }

  take(maxBytes: number): Uint8Array {
    return this.#unread.take(maxBytes);
  }

  /** The own driver is on the line: nothing is heard until then. */
  deafUntil(atUs: number): void {
    this.#deafUntilUs = Math.max(this.#deafUntilUs, atUs);
  }

  /** Another connection begins: what the old one left unread is gone. */
  restart(nowUs: number): void {
    this.#unread.clear();
    this.#kernel = [];
    this.#collectedUs = nowUs;
  }

  /** Takes in what was sent up to now. */
  collect(nowUs: number): void {
    const { frozenUntilUs } = this.#options.boot;
    if (frozenUntilUs > this.#collectedUs) {
      this.#keepInKernel(this.#receive(Math.min(nowUs, frozenUntilUs)));
      if (nowUs < frozenUntilUs) return;
    }
    if (this.#kernel.length > 0) {
      this.#unread.push(Uint8Array.from(this.#kernel));
      this.#kernel = [];
    }
    this.#unread.push(this.#receive(nowUs));
  }

  #keepInKernel(bytes: Uint8Array): void {
    const room = KERNEL_BYTES - this.#kernel.length;
    for (const byte of bytes.subarray(0, room)) this.#kernel.push(byte);
    const lost = bytes.length - room;
    if (lost <= 0) return;
    this.#overflowed += lost;
    const { boot, port } = this.#options;
    boot.record?.("serial_overflow", { port: port.name, lost });
  }

  /** The bytes that came in after what is known, up to `toUs`, as they were heard. */
  #receive(toUs: number): Uint8Array {
    const { port, faults, entropy, boot } = this.#options;
    const fromUs = this.#collectedUs;
    this.#collectedUs = Math.max(fromUs, toUs);
    if (!port.target || toUs <= fromUs) return new Uint8Array(0);
    const deafUs = Math.min(toUs, this.#deafUntilUs);
    if (deafUs > fromUs) {
      const missed = port.target.sentBetween(fromUs, deafUs).length;
      if (missed > 0) boot.record?.("serial.collision", { port: port.name, missed });
    }
    const sent = port.target.sentBetween(Math.max(fromUs, deafUs), toUs);
    if (sent.length === 0) return sent;
    const active = faults.active(`serial:${port.name}`);
    if (active && (active.has("stuck_high") || active.has("stuck_low"))) return new Uint8Array(0);
    // A receiver at another speed samples in the wrong places: the bytes are noise.
    if (!this.isReadable) {
      this.#framingErrors += sent.length;
      boot.record?.("serial.framing", { port: port.name, bytes: sent.length });
      return entropy.bytes(sent.length);
    }
    return active ? active.damage(sent) : sent;
  }
}
