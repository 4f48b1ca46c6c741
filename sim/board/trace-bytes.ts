import { toHex } from "../../firmware/core/bytes.ts";

/** Longest run of bytes that a trace record shows in full: records are hashed one by one. */
const SHOWN = 64;

/** Bytes for a trace record: hex, of long ones the beginning and their number. */
export function traceBytes(bytes: Uint8Array): string {
  if (bytes.length <= SHOWN) return toHex(bytes);
  return `${toHex(bytes.subarray(0, SHOWN))}… (${bytes.length})`;
}
