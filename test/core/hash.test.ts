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
