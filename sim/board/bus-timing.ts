/** Bus time of one I2C message: nine bit times per byte and for the address, plus start and stop (simulator.md 4). */
export function i2cTransferUs(bytes: number, hz: number): number {
  return Math.round((((bytes + 1) * 9 + 2) * 1e6) / hz);
}

/** Time of `bytes` bytes on an SPI bus without pauses between words. */
export function spiTransferUs(bytes: number, hz: number): number {
  return Math.round((bytes * 8 * 1e6) / hz);
}

/** Time of one character; `bits` counts start, data, parity and stop bits (10 for 8N1). */
export function serialByteUs(baudRate: number, bits: number): number {
  return Math.round((bits * 1e6) / baudRate);
}
