import { concat } from "../../firmware/core/bytes.ts";

/** Address, function and checksum: nothing shorter is a frame. */
const MIN_FRAME_BYTES = 4;
/** Largest RTU frame (Modbus over serial line V1.02, 2.5.1). */
export const MAX_FRAME_BYTES = 256;

/** CRC-16 with polynomial A001h (reflected 8005h), start FFFFh (Modbus over serial line V1.02, 6.2.2). */
export function modbusCrc(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}

/** An RTU frame of address and PDU: the checksum follows with its low byte first. */
export function modbusFrame(body: Uint8Array): Uint8Array {
  const crc = modbusCrc(body);
  return concat(body, Uint8Array.of(crc & 0xff, crc >> 8));
}

export interface ModbusFrame {
  /** 0 is a broadcast. */
  readonly address: number;
  /** Function code and data. */
  readonly pdu: Uint8Array;
}

/** @returns null for what is too short, too long or damaged: a slave stays silent then. */
export function parseModbusFrame(bytes: Uint8Array): ModbusFrame | null {
  if (bytes.length < MIN_FRAME_BYTES || bytes.length > MAX_FRAME_BYTES) return null;
  const end = bytes.length - 2;
  const crc = (bytes[end] ?? 0) | ((bytes[end + 1] ?? 0) << 8);
  if (crc !== modbusCrc(bytes.subarray(0, end))) return null;
  return { address: bytes[0] ?? 0, pdu: bytes.slice(1, end) };
}

export interface RtuSilence {
  /** Longer gaps inside a frame spoil it. */
  readonly characterUs: number;
  /** This much silence ends a frame. */
  readonly frameUs: number;
}

/** Above 19 200 baud the silences are fixed (Modbus over serial line V1.02, 2.5.1.1). */
const FAST_BAUD = 19_200;

/** 1.5 and 3.5 character times; 750 µs and 1.75 ms above 19 200 baud. @param characterUs time of one character */
export function rtuSilence(baudRate: number, characterUs: number): RtuSilence {
  if (baudRate > FAST_BAUD) return { characterUs: 750, frameUs: 1750 };
  return { characterUs: Math.round(characterUs * 1.5), frameUs: Math.round(characterUs * 3.5) };
}
