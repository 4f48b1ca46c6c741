import { hmac } from "@noble/hashes/hmac.js";
import { sha256 as reference } from "@noble/hashes/sha2.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toHex } from "../../firmware/core/bytes.ts";
import { hmacSha256Hex, sha256, sha256Hex } from "../../firmware/core/hash.ts";

const bytes = fc.uint8Array({ maxLength: 300 });

test("SHA-256 agrees with an independent implementation, in one part or several", () => {
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      const joined = new Uint8Array([...a, ...b]);
      expect(sha256Hex(joined)).toBe(toHex(reference(joined)));
      expect(toHex(sha256(a, b))).toBe(sha256Hex(joined));
    }),
  );
});

test("HMAC-SHA256 agrees with an independent implementation", () => {
  fc.assert(
    fc.property(bytes, bytes, (key, message) => {
      expect(hmacSha256Hex(key, message)).toBe(toHex(hmac(reference, key, message)));
    }),
  );
});

test("both agree with it where short messages end and long ones begin, and for keys around a block", () => {
  const message = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 131) & 0xff);
  for (const length of [0, 8191, 8192, 8193, 20_000]) {
    const [a, b] = [message(length), message(7)];
    const joined = new Uint8Array([...a, ...b]);
    expect(toHex(sha256(a))).toBe(toHex(reference(a)));
    expect(toHex(sha256(a, b))).toBe(toHex(reference(joined)));
    for (const key of [0, 32, 63, 64, 65].map(message)) {
      expect(hmacSha256Hex(key, a, b)).toBe(toHex(hmac(reference, key, joined)));
    }
  }
});
