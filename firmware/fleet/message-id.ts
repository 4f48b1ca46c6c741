import { toHex } from "../core/bytes.ts";
import type { Entropy } from "../ports/entropy.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** A UUIDv7 (RFC 9562): 48 bits of Unix ms, then random bits, so that ids sort by their time. */
export function newMessageId(wallMs: number, entropy: Entropy): string {
  const bytes = entropy.bytes(16);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(wallMs / 256 ** (5 - i)) % 256;
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = toHex(bytes);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Lower-case UUIDv7 in its text form. */
export const isMessageId = (text: string): boolean => UUID_V7.test(text);
