/** The TypeScript subset: any text compiles or is refused with places, and what compiles verifies. */
import { compileTypeScript } from "../../../firmware/authoring/typescript/index.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { verifyProgram } from "../../../firmware/vm/index.ts";
import { randomProgram } from "../../authoring/typescript/random-program.ts";
import { HEADER, options } from "../../authoring/typescript/support.ts";
import type { Random } from "../random.ts";
import { BrokenLaw, bytesOf, type Target, textOf } from "../target.ts";
import { checkPosition, lineTarget } from "./text.ts";

const TOKENS: readonly string[] = [
  ..."const let var function return if else for while do switch case break continue try catch throw new class".split(
    " ",
  ),
  ..."async await yield import export from as typeof instanceof in of delete void null undefined true false".split(
    " ",
  ),
  ..."this arguments eval constructor __proto__ prototype globalThis Math Number String Array Object JSON".split(
    " ",
  ),
  ..."number string boolean unknown any never Uint8Array sleep spawn respond claim evidence payload".split(
    " ",
  ),
  ...[
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "=>",
    "=",
    "==",
    "===",
    "!==",
    "+",
    "-",
    "*",
    "**",
    "/",
    "%",
    "<<",
    ">>>",
    "&&",
    "??",
  ],
  ...[
    "?.",
    "...",
    ":",
    ";",
    ",",
    "`",
    "${",
    '"',
    "'",
    "/*",
    "*/",
    "//",
    "\\u{1F600}",
    "0x1f",
    "1e999",
    "9007199254740993n",
  ],
  ...[
    "<T>",
    "@x",
    "#p",
    "\u2028",
    "😀",
    "\ufeff",
    "if (1) ".repeat(40),
    "(".repeat(60),
    "[".repeat(60),
    "1+".repeat(200),
  ],
];

const PROGRAMS: readonly string[] = [
  "export function main(): void {}\n",
  "export function main(): number { let x = 0; for (let i = 0; i < 9; i++) x += i; return x; }\n",
  "export function main(): void { const o = { a: 1, b: 'x' }; if (o.a > 0) o.b = String(o.a); }\n",
  "function f(n: number): number { return n <= 0 ? 0 : n + f(n - 1); }\nexport function main(): void { f(3); }\n",
  "export function main(): void { try { throw new Error('a'); } catch (e) { while (true) break; } }\n",
];

export const typescript: Target = {
  name: "typescript",
  // The checker of TypeScript keeps what it knows of its library.
  maxHeapBytes: 400 * 2 ** 20,
  triesForFind: 8,

  run(input) {
    const text = textOf(input);
    const result = compileTypeScript({ file: "t.ts", text }, options);
    if (!result.ok) {
      if (result.diagnostics.length === 0) throw new BrokenLaw("Refused without a reason.");
      for (const { position } of result.diagnostics) checkPosition(text, position);
      return result.diagnostics.map(({ code }) => `problem:${code}`);
    }
    const document = JSON.parse(JSON.stringify(result.document)) as Json;
    const program = verifyProgram(document, options.view);
    if (!program.ok)
      throw new BrokenLaw(`What was compiled does not verify: ${JSON.stringify(program.issues[0])}`);
    return [
      "compiled",
      ...program.document.code.map(({ op, ...fields }) => `op:${op}:${Object.keys(fields).sort().join()}`),
    ];
  },

  generate(random: Random) {
    if (random.oneIn(4)) return bytesOf(HEADER + random.pick(PROGRAMS));
    const { declarations, statements } = randomProgram(
      Array.from({ length: 60 }, () => random.below(10_000)),
    );
    return bytesOf(
      `${HEADER}${declarations}\nexport function main() {\n${statements}\nreturn { a, b, c };\n}\n`,
    );
  },

  ...lineTarget(TOKENS),
};
