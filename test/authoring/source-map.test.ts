/** Documents are written one instruction per line, and a map leads from each back to its source. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDocument } from "../../firmware/authoring/format-document.ts";
import { createSourceMap, readSourceMap, SourceMapError } from "../../firmware/authoring/source-map.ts";
import { parseText } from "../../firmware/authoring/text/index.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { AUTHORING_LIMITS } from "../../firmware/core/limits.ts";
import type { ProgramDocument } from "../../firmware/vm/index.ts";
import { arbitraryDocument } from "./arbitrary-document.ts";
import { EXAMPLES } from "./corpus.ts";

const TEXT = `.program t
.version 1.0.0

FUNC twice(%x)
  LOAD %x
  LOAD %x
  ADD
ENDFUNC
  SPAWN %t begin
    HALT
  end
  CALLF twice(%x = 2)
  POP
  HALT
`;

function built(text = TEXT) {
  const result = parseText({ file: "src/t.imu", text });
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result;
}

const bytesOf = (map: unknown): Uint8Array => utf8(JSON.stringify(map));

function codeOf(bytes: Uint8Array, document: ProgramDocument): string {
  try {
    const lines = readSourceMap(bytes, document);
    for (let index = 0; index < 12; index++) lines.positionOf("code", index);
    return "ok";
  } catch (error) {
    if (!(error instanceof SourceMapError)) throw error;
    return error.code;
  }
}

describe("formatDocument", () => {
  test("one instruction per line, members in one order", () => {
    expect(formatDocument(built().document).text).toBe(`{
  "format": "imu.program/1",
  "name": "t",
  "version": "1.0.0",
  "isa": 1,
  "code": [
    { "op": "FUNC", "name": "twice", "params": ["x"] },
    { "op": "LOAD", "reg": "x" },
    { "op": "LOAD", "reg": "x" },
    { "op": "ADD" },
    { "op": "ENDFUNC" },
    { "op": "SPAWN", "as": "t", "body": [
      { "op": "HALT" }
    ] },
    { "op": "CALLF", "name": "twice", "args": [{ "to": "x", "value": 2 }] },
    { "op": "POP" },
    { "op": "HALT" }
  ]
}
`);
  });

  test.each(EXAMPLES)("%s stays the same document", (_, document) => {
    const { text, places } = formatDocument(document);
    const lines = text.split("\n");

    expect(canonicalize(JSON.parse(text))).toBe(canonicalize(document));
    expect(places.map(({ line, column }) => lines[line - 1]?.slice(column - 1, column + 6))).toEqual(
      document.code.map(() => '{ "op":'),
    );
    const longest = Math.max(
      ...text
        .slice(0, text.indexOf('"code"'))
        .split("\n")
        .map((l) => l.length),
    );
    expect(longest).toBeLessThan(260);
  });

  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, item]) => [key, reversed(item)]),
    );
  };

  test("law: any document stays what it is, and lines do not depend on the order of members", () => {
    fc.assert(
      fc.property(arbitraryDocument, (document) => {
        const { text, places } = formatDocument(document);
        const other = formatDocument(reversed(document) as ProgramDocument);

        expect(canonicalize(JSON.parse(text))).toBe(canonicalize(document));
        expect(other.places).toEqual(places);
        expect(other.text.split("\n").length).toBe(text.split("\n").length);
      }),
      { numRuns: 400 },
    );
  });
});

describe("source maps", () => {
  test("every instruction finds the line it was written at", () => {
    const { document, origins } = built();
    const map = createSourceMap(document, origins, "t.json", (source) => `../${source}`);
    const again = JSON.parse(formatDocument(document).text) as ProgramDocument;

    const lines = readSourceMap(bytesOf(map), again);

    expect(map).toMatchObject({ version: 3, file: "t.json", sources: ["../src/t.imu"], names: ["twice"] });
    for (const { unit, index, position } of origins) {
      expect(lines.positionOf(unit, index)).toEqual({ ...position, file: "../src/t.imu" });
    }
    expect(lines.positionOf("code", 99)).toBeNull();
    expect(lines.positionOf("code/0/body", 0)).toBeNull();
    expect(lines.positionOf("__proto__", 0)).toBeNull();
  });

  test("a map of another document is refused", () => {
    const { document, origins } = built();
    const map = createSourceMap(document, origins, "t.json");

    expect(codeOf(bytesOf(map), built(`${TEXT}  HALT\n`).document)).toBe("source_map_mismatch");
  });

  const { document, origins } = built();
  const good = createSourceMap(document, origins, "t.json");

  test.each<readonly [string, JsonObject]>([
    ["another version", { version: 2 }],
    ["no version", { version: null }],
    ["no list of sources", { sources: "t.ts" }],
    ["sources that are no texts", { sources: [1] }],
    ["more sources than a program has", { sources: Array.from({ length: 100 }, () => "a") }],
    ["names that are no texts", { names: [null] }],
    ["mappings that are no text", { mappings: [] }],
    ["mappings with other characters", { mappings: "AAAA;\u0000" }],
    ["no hash", { x_programHash: null }],
  ])("%s is invalid", (_, change) => {
    expect(codeOf(bytesOf({ ...good, ...change }), document)).toBe("source_map_invalid");
  });

  test.each<readonly [string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["no JSON", utf8("{")],
    ["no UTF-8", new Uint8Array([0xff])],
    ["no object", utf8("[]")],
    ["a map that was cut off", bytesOf(good).subarray(0, 100)],
    ["deep nesting", utf8("[".repeat(100_000))],
    ["a map beyond its size", new Uint8Array(AUTHORING_LIMITS.mapBytes + 1)],
    ["a member twice", utf8('{"version":3,"version":3}')],
  ])("%s is invalid", (_, bytes) => {
    expect(codeOf(bytes, document)).toBe("source_map_invalid");
  });

  test("mappings that lead anywhere give positions or nothing, never a fault", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(...["A", "C", "g", "/", "+", "z", "AAAA", ";", ";", ",", "gggggggggggg", "D"]),
          {
            maxLength: 60,
          },
        ),
        (parts) => {
          expect(["ok", "source_map_invalid"]).toContain(
            codeOf(bytesOf({ ...good, mappings: parts.join("") }), document),
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
