/** The text form: any text is read without an exception, what was read prints, and prints as the same document. */
import { parseText, printText } from "../../../firmware/authoring/text/index.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { verifyProgram } from "../../../firmware/vm/index.ts";
import { view } from "../../vm/differential/host.ts";
import { NAMES } from "../dictionary.ts";
import { mutateBytes, mutateLines, withoutStretches } from "../mutate-bytes.ts";
import type { Random } from "../random.ts";
import { BrokenLaw, bytesOf, type Target, textOf } from "../target.ts";
import { jsonOf, verifier } from "./verifier.ts";

const TOKENS: readonly string[] = [
  ...NAMES.filter((name) => name !== ""),
  ...[
    ".program t",
    ".version 1.0.0",
    ".const a 1",
    ".func",
    ".end",
    "%x",
    "%__proto__",
    "$.payload.a",
    "const:a",
    "0x1f",
  ],
  ...[
    '"text"',
    '"\\ud800"',
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    ":",
    ",",
    "=",
    "@",
    ";",
    "#",
    "//",
    "lit:",
    "bytes:0a",
  ],
  ...[
    "pointer:/a",
    "a:",
    "-0",
    "1e999",
    "9007199254740993",
    "\t",
    "\r\n",
    "\u2028",
    "😀",
    "\ufeff",
    "->",
    "=>",
  ],
];

/** Lines and words out of place are what people write. */
export const lineTarget = (tokens: readonly string[]): Pick<Target, "mutate" | "simpler"> => ({
  mutate: (input, other, random) =>
    random.oneIn(3)
      ? mutateBytes(input, other, random, tokens)
      : bytesOf(mutateLines(textOf(input), textOf(other), random, tokens)),
  *simpler(input) {
    const lines = textOf(input).split("\n");
    for (const fewer of withoutStretches(lines, (a, b) => [...a, ...b])) yield bytesOf(fewer.join("\n"));
    for (const shorter of withoutStretches(textOf(input), (a, b) => a + b)) yield bytesOf(shorter);
  },
});

/** Positions lie inside the text, or directly behind its last character. */
export function checkPosition(
  text: string,
  { line, column }: { readonly line: number; readonly column: number },
): void {
  const lines = text.split(/\r\n|\n|\r|\u2028|\u2029/);
  if (line < 1 || column < 1 || line > lines.length + 1)
    throw new BrokenLaw(`A problem at ${line}:${column} lies outside of the text.`);
}

export const text: Target = {
  name: "text",
  maxHeapBytes: 64 * 2 ** 20,
  triesForFind: 150,

  run(input) {
    const source = textOf(input);
    const result = parseText({ file: "t.imu", text: source });
    if (!result.ok) {
      if (result.diagnostics.length === 0) throw new BrokenLaw("Refused without a reason.");
      for (const { position } of result.diagnostics) checkPosition(source, position);
      return result.diagnostics.map(({ code }) => `problem:${code}`);
    }
    const again = parseText({ file: "t.imu", text: printText(result.document) });
    if (!again.ok)
      throw new BrokenLaw(`What was printed cannot be read: ${JSON.stringify(again.diagnostics[0])}`);
    const canonical = canonicalize(result.document);
    if (canonicalize(again.document) !== canonical) {
      throw new BrokenLaw("What was printed reads as another document.");
    }
    const program = verifyProgram(JSON.parse(canonical) as Json, view);
    const findings = program.ok ? ["verified"] : program.issues.map(({ code }) => `issue:${code}`);
    return [...findings, ...result.document.code.map(({ op }) => `op:${op}`)];
  },

  generate(random: Random) {
    const document = jsonOf(verifier.generate(random));
    const program = verifyProgram(document, view);
    return bytesOf(program.ok ? printText(program.document) : ".program t\n.version 1.0.0\nHALT\n");
  },

  ...lineTarget(TOKENS),
};
