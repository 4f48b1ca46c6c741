/** `length` bytes of a register file word; past its two bytes the open bus reads FFh. */
export function wordBytes(value: number, length: number): Uint8Array {
  const bytes = [(value >> 8) & 0xff, value & 0xff];
  return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0xff);
}
