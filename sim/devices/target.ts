/** A device on a simulated I2C bus, at register level. Times are board microseconds. */
export interface I2cTarget {
  /** @returns false to not acknowledge the data. */
  write(data: Uint8Array, nowUs: number): boolean;
  /** @returns null to not acknowledge the address (busy in a conversion, for example). */
  read(length: number, nowUs: number): Uint8Array | null;
}

/** A device on a simulated SPI chip select. */
export interface SpiTarget {
  readonly maxHz: number;
  /** The answer has the length of `data`. */
  transfer(data: Uint8Array, nowUs: number): Uint8Array;
}

/** A device that speaks on a serial line by itself. */
export interface SerialTarget {
  readonly baudRate: number;
  /** All bytes whose last stop bit came after `fromUs` and not after `toUs`. */
  sentBetween(fromUs: number, toUs: number): Uint8Array;
  received(data: Uint8Array, nowUs: number): void;
}
