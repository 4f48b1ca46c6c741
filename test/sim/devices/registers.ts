import type { I2cTarget } from "../../../sim/devices/target.ts";

/** Reads `length` bytes after a pointer byte. */
export function readAt(target: I2cTarget, pointer: number, length: number, nowUs: number): number[] {
  if (!target.write(Uint8Array.of(pointer), nowUs)) throw new Error("the pointer was not acknowledged");
  const bytes = target.read(length, nowUs);
  if (!bytes) throw new Error("the read was not acknowledged");
  return [...bytes];
}

/** Reads a 16-bit big-endian register. */
export function wordAt(target: I2cTarget, pointer: number, nowUs: number): number {
  const [high = 0, low = 0] = readAt(target, pointer, 2, nowUs);
  return (high << 8) | low;
}

/** Writes a 16-bit big-endian register. */
export function writeWord(target: I2cTarget, pointer: number, value: number, nowUs: number): boolean {
  return target.write(Uint8Array.of(pointer, value >> 8, value & 0xff), nowUs);
}

/** A 16-bit command of the SHT3x family. */
export function command(target: I2cTarget, value: number, nowUs: number): boolean {
  return target.write(Uint8Array.of(value >> 8, value & 0xff), nowUs);
}
