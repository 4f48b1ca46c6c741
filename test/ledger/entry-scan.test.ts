/** The quick reader of stored entries never says yes where the one that knows all rules says no, and reads the same. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import type { Json } from "../../firmware/core/json.ts";
import { encodeStored, readLink, readStored } from "../../firmware/ledger/entry.ts";
import { scanEntry } from "../../firmware/ledger/entry-scan.ts";

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
const plainText = fc.stringMatching(/^[a-z0-9 _./:-]{0,20}$/);
const entry = fc.record({
  event: fc
    .record({
      kind: fc.oneof(plainText, json),
      data: fc.dictionary(
        plainText,
        fc.oneof(json, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer()),
      ),
      actor: plainText,
    })
    .chain((event) => fc.constantFrom(event, { ...event, sim: true }, { data: event.data })),
  prev_hash: fc.stringMatching(/^[0-9a-f]{64}$/),
  ts: fc.oneof(fc.integer(), fc.maxSafeInteger()),
});

const stored = (text: string): Uint8Array => encodeStored(utf8(text), sha256(utf8(text)));

function expectAgreement(text: string): void {
  const [quick, whole] = [scanEntry(utf8(text)), readStored(stored(text))];
  if (quick !== null) {
    expect(whole, text).not.toBeNull();
    expect(quick).toEqual({ prevHash: whole?.prevHash, ts: whole?.ts });
  }
  const link = readLink(stored(text));
  expect(link === null ? null : [link.prevHash, link.ts, link.hash]).toEqual(
    whole === null ? null : [whole.prevHash, whole.ts, whole.hash],
  );
}

test("of any entry in canonical form", () => {
  fc.assert(
    fc.property(entry, (value) => expectAgreement(canonicalize(value as unknown as Json))),
    { numRuns: 500 },
  );
});

test("of texts that are nearly entries", () => {
  const change = fc.tuple(
    fc.nat(),
    fc.constantFrom("", " ", '"', "\\", "0", "-", "e", ".", ",", "}", "{", "[", "]", ":", "1e5", "00", "é"),
    fc.nat({ max: 2 }),
  );
  fc.assert(
    fc.property(entry, fc.array(change, { minLength: 1, maxLength: 3 }), (value, changes) => {
      let text = canonicalize(value as unknown as Json);
      for (const [place, insert, cut] of changes) {
        const at = place % text.length;
        text = text.slice(0, at) + insert + text.slice(at + cut);
      }
      expectAgreement(text);
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['{"event":{"data":{"a":1,"b":[1.5,true,null,-3]},"kind":"x"},"prev_hash":"', true],
  ['{"event":{"data":{"b":1,"a":1},"kind":"x"},"prev_hash":"', false],
  ['{"event":{"data":{"a":1,"a":1},"kind":"x"},"prev_hash":"', false],
  ['{"event":{"data":{"a":-0},"kind":"x"},"prev_hash":"', false],
  ['{"event":{"data":{"a":1.50},"kind":"x"},"prev_hash":"', false],
  ['{"event":{"data":{"a":01},"kind":"x"},"prev_hash":"', false],
  ['{"event":{"data":{},"kind":5},"prev_hash":"', false],
  ['{"event":{"data":{}},"prev_hash":"', false],
])("%s… is %s", (head, isTaken) => {
  const text = `${head}${"a".repeat(64)}","ts":5}`;
  expect(scanEntry(utf8(text)) !== null).toBe(isTaken);
  expectAgreement(text);
});
