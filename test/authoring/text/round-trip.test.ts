/** The law of the text form: what is printed is read back as the same document. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PrintError, parseText, printText } from "../../../firmware/authoring/text/index.ts";
import { plainJson } from "../../../firmware/composition/state-params.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { type ProgramDocument, verifyProgram } from "../../../firmware/vm/index.ts";
import { view } from "../../vm/support.ts";
import { arbitraryDocument } from "../arbitrary-document.ts";
import { EXAMPLES, VECTORS } from "../corpus.ts";

function reread(document: ProgramDocument): { readonly text: string; readonly again: ProgramDocument } {
  const text = printText(document);
  const result = parseText({ file: "t.imu", text });
  if (!result.ok) throw new Error(`${JSON.stringify(result.diagnostics)}\n${text}`);
  return { text, again: result.document };
}

const isPrintable = (document: ProgramDocument): boolean => {
  try {
    printText(document);
    return true;
  } catch (error) {
    if (!(error instanceof PrintError)) throw error;
    return false;
  }
};

test.each(EXAMPLES)("%s is read back as it was", (_, document) => {
  const { text, again } = reread(document);

  expect(canonicalize(again)).toBe(canonicalize(document));
  expect(printText(again)).toBe(text);
});

describe("programs of the vectors", () => {
  const printable = VECTORS.filter(([, document]) => isPrintable(document));

  test("nearly all have a text, and all that verify do", () => {
    const verified = VECTORS.filter(([, document]) => verifyProgram(plainJson(document), view).ok);

    expect(printable.length).toBeGreaterThan(150);
    expect(verified.length).toBeGreaterThan(60);
    expect(verified.filter(([, document]) => !isPrintable(document))).toEqual([]);
  });

  test.each(printable)("%s", (_, document) => {
    const result = parseText({ file: "t.imu", text: printText(document) });

    // A program of the vectors that is wrong in its fields is refused here already.
    if (result.ok) expect(canonicalize(result.document)).toBe(canonicalize(document));
    else expect(verifyProgram(plainJson(document), view).ok).toBe(false);
  });
});

describe("the largest documents", () => {
  const ones = Array.from({ length: 120_000 }, () => 1);
  const constants = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [i.toString(36), 1]));
  const head = { format: "imu.program/1", name: "t", version: "1.0.0", isa: 1 } as const;
  const add = { op: "ADD" };
  let nested: ProgramDocument["code"][number][] = Array.from({ length: 4000 }, () => add);
  for (let depth = 0; depth < 4; depth++) nested = [{ op: "SPAWN", as: "t", body: nested }];

  test.each<readonly [string, ProgramDocument]>([
    ["many numbers", { ...head, code: [{ op: "PUSH", value: ones }] }],
    ["many constants", { ...head, constants, code: [{ op: "HALT" }] }],
    ["many instructions deep inside", { ...head, code: nested }],
    ["one long text", { ...head, code: [{ op: "PUSH", value: "é".repeat(125_000) }] }],
  ])("%s have a text that can be read", (_, document) => {
    const { again } = reread(document);

    expect(canonicalize(again)).toBe(canonicalize(document));
  });
});

test("what a terminal would obey is escaped", () => {
  const value = "\u009b31m\u2028\u007f\u001b";
  const document = {
    ...EXAMPLES[0]?.[1],
    description: value,
    code: [{ op: "PUSH", value }],
  } as ProgramDocument;
  const { text, again } = reread(document);

  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028]/);
  expect(again.code).toEqual(document.code);
});

test("law: parse(print(document)) is the document, print(parse(text)) is the text", () => {
  fc.assert(
    fc.property(arbitraryDocument, (document) => {
      const { text, again } = reread(document);

      expect(canonicalize(again)).toBe(canonicalize(document));
      expect(printText(again)).toBe(text);
    }),
    { numRuns: 1500 },
  );
});
