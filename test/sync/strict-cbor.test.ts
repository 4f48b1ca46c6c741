import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { decodeStrictCbor } from "../../firmware/sync/strict-cbor.ts";

describe("strict CBOR", () => {
  it("reads what this project writes", () => {
    const decoded = decodeStrictCbor(encodeCbor({ a: [1, -2, "x", true, null], b: Buffer.from([1, 2]) }));
    expect(decoded).toEqual(
      new Map<string, unknown>([
        ["a", [1, -2, "x", true, null]],
        ["b", new Uint8Array([1, 2])],
      ]),
    );
  });

  it.each([
    ["indefinite lengths", [0x9f, 0xff]],
    ["duplicate keys", [0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]],
    ["keys that are not text", [0xa1, 0x01, 0x02]],
    ["tags", [0xc0, 0x60]],
    ["floats", [0xf9, 0x3c, 0x00]],
    ["bytes after the item", [0x01, 0x02]],
    ["a length beyond the bytes", [0x9b, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]],
    ["more than sixteen levels", [...new Array(17).fill(0x81), 0x01]],
    ["text that is not UTF-8", [0x61, 0xff]],
    ["nothing", []],
  ])("refuses %s", (_, bytes) => {
    expect(() => decodeStrictCbor(new Uint8Array(bytes))).toThrow(
      expect.objectContaining({ code: "malformed" }),
    );
  });

  it("answers any bytes with a value or `malformed`, never with another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          decodeStrictCbor(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(CodedError);
          expect(error).toMatchObject({ code: "malformed" });
        }
      }),
    );
  });
});
