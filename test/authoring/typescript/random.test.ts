/** Random programs give the same as JavaScript and on the machine; random texts never break the compiler. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Json } from "../../../firmware/core/json.ts";
import { randomProgram } from "./random-program.ts";
import { build, evaluated, typescript } from "./support.ts";

const RESULT = "[a, b, c, flag, s, list, o]";

/** The result as JSON, or the reason it failed with. */
function asJavaScript(declarations: string, statements: string): Json {
  const text = `${declarations}\n(function () { ${statements}\nresult = ${RESULT}; })();`;
  const { outputText } = typescript.transpileModule(text, {
    compilerOptions: { target: typescript.ScriptTarget.ES2022 },
  });
  const run = new Function("fail", "faultOf", `let result; ${outputText}; return JSON.stringify(result);`);
  try {
    const fail = (reason: string): { readonly reason: string } => ({ reason });
    return JSON.parse(String(run(fail, (fault: unknown) => fault))) as Json;
  } catch (error) {
    if (typeof error === "object" && error !== null && "reason" in error)
      return `program_error: ${String(error.reason)}`;
    throw error;
  }
}

const tape = fc.array(fc.nat(9999), { minLength: 20, maxLength: 400 });

describe("a random program", () => {
  test("gives the same on the machine as in JavaScript", () => {
    fc.assert(
      fc.property(tape, (numbers) => {
        const { declarations, statements } = randomProgram(numbers);

        expect(evaluated(RESULT, declarations, statements)).toEqual(asJavaScript(declarations, statements));
      }),
      { numRuns: 150 },
    );
  });
});

describe("any text", () => {
  const words = [
    ...[
      "export",
      "const",
      "program",
      "=",
      "{",
      "}",
      "(",
      ")",
      "[",
      "]",
      ";",
      ",",
      ":",
      ".",
      "main",
      "function",
    ],
    ...[
      "let",
      "x",
      "1",
      "'a'",
      "`",
      "${",
      "+",
      "-",
      "*",
      "<",
      ">",
      "===",
      "!",
      "?",
      "=>",
      "if",
      "else",
      "for",
      "of",
    ],
    ...[
      "while",
      "switch",
      "case",
      "try",
      "catch",
      "throw",
      "return",
      "import",
      "from",
      '"imu"',
      "class",
      "async",
    ],
    ...[
      "any",
      "as",
      "satisfies",
      "Program",
      "\n",
      "//",
      "/*",
      "*/",
      "\\",
      "\u0000",
      "😀",
      "\ud800",
      "sensor",
      "read",
    ],
  ];

  test("gives a result, whatever it is", () => {
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(fc.constantFrom(...words), { maxLength: 60 }).map((parts) => parts.join(" ")),
    );

    fc.assert(
      fc.property(text, (written) => {
        const result = build(written);

        expect(result.ok || result.diagnostics.length > 0).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test("gives a result for a program with a part cut out or put twice", () => {
    const whole = `import { sensor, gpio, asNumber, fail, faultOf } from "imu";
export const program = { name: "t", version: "1.0.0" };
function f(n: number): number { return n < 2 ? n : f(n - 1) + f(n - 2); }
export function main(): void {
  const list = [1, 2, 3];
  for (const x of list) { if (x > 2) break; else list.push(f(x)); }
  try { gpio.write("fan", asNumber(sensor.read("t").value) > 20 ? 1 : 0); }
  catch (e) { if (faultOf(e).code !== "no_evidence") throw fail("bad", { list }); }
}`;
    const at = fc.nat(whole.length);

    fc.assert(
      fc.property(at, at, fc.boolean(), (from, to, twice) => {
        const part = whole.slice(Math.min(from, to), Math.max(from, to));
        const text = twice
          ? whole.slice(0, Math.max(from, to)) + part + whole.slice(Math.max(from, to))
          : whole.slice(0, Math.min(from, to)) + whole.slice(Math.max(from, to));
        const result = build(text);

        expect(result.ok || result.diagnostics.length > 0).toBe(true);
      }),
      { numRuns: 150 },
    );
  });
});
