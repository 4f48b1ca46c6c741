import type { Entropy } from "../../firmware/ports/entropy.ts";

/**
 * A device on a simulated I2C bus, at register level. Times are true microseconds of the simulation.
 *
 * A model has no timers: it catches up with `nowUs` when it is called, so a quantity is asked for at the start of the
 * conversion, which may lie a little before `nowUs`. A model lives for the whole scenario; the board's power reaches it
 * through `powerCut` and `powerOn` only.
 */
export interface I2cTarget {
  /**
   * One write message that ends at `nowUs`; an empty one is an address probe.
   * @returns false to not acknowledge the address or the data.
   */
  write(data: Uint8Array, nowUs: number): boolean;
  /**
   * One read message that begins at `nowUs`.
   * @returns null to not acknowledge the address (busy in a conversion, for example).
   */
  read(length: number, nowUs: number): Uint8Array | null;
  /** A write to the general call address 0 (06h resets those that listen). */
  generalCall?(data: Uint8Array, nowUs: number): void;
  /** How long the device holds SCL low in a read that begins now, in ms; after it, `read` is called with the later time. */
  clockStretchMs?(nowUs: number): number;
  /** The supply is gone. What survives depends on the part (EEPROM, a clock on its battery). */
  powerCut?(nowUs: number, entropy: Entropy): void;
  /** The supply is back. */
  powerOn?(nowUs: number): void;
  /** Brings output pins (ALERT, INT) up to date. The board calls it when the world has moved, and at `nextUs()`. */
  advance?(nowUs: number): void;
  /** When the device does something by itself next, null when nothing is under way. */
  nextUs?(): number | null;
}

/** A device on a simulated SPI chip select. */
export interface SpiTarget {
  readonly maxHz: number;
  /** The answer has the length of `data`. */
  transfer(data: Uint8Array, nowUs: number): Uint8Array;
  /** Modes in which it samples and shifts on the right edges; default 0 and 3. In others the answer is one bit late. */
  readonly modes?: readonly number[];
  powerCut?(nowUs: number, entropy: Entropy): void;
  powerOn?(nowUs: number): void;
}

/** A device that speaks on a serial line by itself. */
export interface SerialTarget {
  readonly baudRate: number;
  /** All bytes whose last stop bit came after `fromUs` and not after `toUs`. */
  sentBetween(fromUs: number, toUs: number): Uint8Array;
  received(data: Uint8Array, nowUs: number): void;
  /** Default none. */
  readonly parity?: "none" | "even" | "odd";
  /**
   * When the next byte will have been sent, so that a reader can sleep until then; null when only something received
   * makes it speak. Without it the line is looked at every 10 ms.
   */
  nextSentUs?(afterUs: number): number | null;
  powerCut?(nowUs: number, entropy: Entropy): void;
  powerOn?(nowUs: number): void;
}
