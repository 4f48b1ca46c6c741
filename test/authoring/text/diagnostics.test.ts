/** What is wrong with a text is said with its place, all of it at once, and never as an exception. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { issueDiagnostics } from "../../../firmware/authoring/issue-diagnostics.ts";
import { parseText, printText } from "../../../firmware/authoring/text/index.ts";
import type { Json } from "../../../firmware/core/json.ts";
import { AUTHORING_LIMITS } from "../../../firmware/core/limits.ts";
import { verifyProgram } from "../../../firmware/vm/index.ts";
import { view } from "../../vm/support.ts";
import { arbitraryDocument } from "../arbitrary-document.ts";

const HEAD = ".program t\n.version 1.0.0\n";

function problems(text: string): readonly string[] {
  const result = parseText({ file: "t.imu", text });
  if (result.ok) return [];
  return result.diagnostics.map(({ position: { line, column }, code }) => `${line}:${column} ${code}`);
}

function codeOf(text: string): Json {
  const result = parseText({ file: "t.imu", text: HEAD + text });
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return result.document.code as Json;
}

describe("what is written", () => {
  test.each<readonly [string, Json]>([
    ["PUSH %x", { op: "PUSH", value: "reg:x" }],
    ["PUSH $.payload.a.b", { op: "PUSH", value: "$.payload.a.b" }],
    ['PUSH $.payload."a key"', { op: "PUSH", value: "$.payload.a key" }],
    ["PUSH const:n", { op: "PUSH", value: "const:n" }],
    ['PUSH pointer:"/a/0"', { op: "PUSH", value: { payload: "/a/0" } }],
    ["PUSH bytes:0a1b", { op: "PUSH", value: { bytes: "0a1b" } }],
    ["PUSH 0x1f", { op: "PUSH", value: 31 }],
    ["PUSH -2.5e1", { op: "PUSH", value: -25 }],
    ['PUSH "reg:x"', { op: "PUSH", value: { lit: "reg:x" } }],
    ['PUSH lit:{ a: "reg:x" }', { op: "PUSH", value: { lit: { a: "reg:x" } } }],
    ['PUSH @"reg:x"', { op: "PUSH", value: "reg:x" }],
    ["PUSH { a: %x, b: [1, $.trigger] }", { op: "PUSH", value: { a: "reg:x", b: [1, "$.trigger"] } }],
    ['PUSH ref="[1,2]"', { op: "PUSH", ref: "[1,2]" }],
    ["PUSH ref=%x", { op: "PUSH", ref: "reg:x" }],
    ["STORE %x", { op: "STORE", reg: "x" }],
    ["STORE x", { op: "STORE", reg: "x" }],
    ["STORE reg:x", { op: "STORE", reg: "reg:x" }],
    ['GETK %o, "k"', { op: "GETK", oid: "reg:o", key: "k" }],
    ["JUMP to=3", { op: "JUMP", to: 3 }],
    ["again:", { op: "LABEL", name: "again" }],
    ["FUNC f(%a, %b)", { op: "FUNC", name: "f", params: ["a", "b"] }],
    ["FUNC f", { op: "FUNC", name: "f" }],
    ["CALLF f(%a = 1) ; why", { op: "CALLF", name: "f", args: [{ to: "a", value: 1 }] }],
    ['CALL f ["x", %y, 1]', { op: "CALL", fn: "f", args: ["x", "reg:y", 1] }],
    [
      'CAP kv.get { key: "k" } evidence=%e note="n"',
      { op: "CAP", name: "kv.get", args: { key: "k" }, evidence: "e", note: "n" },
    ],
    ["RESPOND body={}", { op: "RESPOND", body: {} }],
    ["JOIN %t timeout_ms=5", { op: "JOIN", task: "reg:t", timeout_ms: 5 }],
    ["HALT # the end", { op: "HALT" }],
  ])("%s", (line, instr) => {
    expect(codeOf(line)).toEqual([instr]);
  });

  test("values go over several lines inside their brackets, comments included", () => {
    expect(codeOf("PUSH [ ; one\n  1, # two\n  2\n]\nHALT")).toEqual([
      { op: "PUSH", value: [1, 2] },
      { op: "HALT" },
    ]);
  });

  test("bodies are blocks, and a label may stand before an instruction", () => {
    expect(codeOf("SPAWN %t (%n = 2) begin\n  a: LOAD %n\n  POP\nend\nHALT")).toEqual([
      {
        op: "SPAWN",
        as: "t",
        args: [{ to: "n", value: 2 }],
        body: [{ op: "LABEL", name: "a" }, { op: "LOAD", reg: "n" }, { op: "POP" }],
      },
      { op: "HALT" },
    ]);
  });

  test("every instruction knows its line, its unit and its function", () => {
    const text = `${HEAD}FUNC f\n  RET 1\nENDFUNC\nSPAWN %t begin\n  HALT\nend\r\nHALT`;
    const result = parseText({ file: "t.imu", text });
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));

    expect(result.origins.map(({ unit, index, fn, position }) => [unit, index, fn, position.line])).toEqual([
      ["code", 0, "f", 3],
      ["code", 1, "f", 4],
      ["code", 2, "f", 5],
      ["code", 3, null, 6],
      ["code/3/body", 0, null, 7],
      ["code", 4, null, 9],
    ]);
  });
});

describe("what is wrong", () => {
  test.each([
    ["", ["1:1 missing_directive", "1:1 missing_directive"]],
    [HEAD, ["1:1 empty_program"]],
    [`${HEAD}PUSHX 1\nADD 1\nPUSH\n`, ["3:1 unknown_opcode", "4:5 unexpected", "5:1 missing_field"]],
    [`${HEAD}push 1`, ["3:1 unknown_opcode"]],
    [`${HEAD}PUSH 1 ref="a"`, ["3:1 missing_field"]],
    [`${HEAD}PUSH value=1 value=2`, ["3:14 duplicate_field"]],
    [`${HEAD}PUSH 1 x=2`, ["3:8 unknown_field"]],
    [`${HEAD}PUSH 1 __proto__=2`, ["3:8 unknown_field"]],
    [`${HEAD}__proto__ 1`, ["3:1 unknown_opcode"]],
    [`${HEAD}.constructor 1\nHALT`, ["3:1 unknown_directive"]],
    [`${HEAD}PUSH "a`, ["3:6 unterminated_text"]],
    [`${HEAD}PUSH "\\x"`, ["3:6 bad_text"]],
    [`${HEAD}PUSH "\\ud800"`, ["3:6 bad_text"]],
    [`${HEAD}PUSH 12x`, ["3:6 bad_number"]],
    [`${HEAD}PUSH 1e999`, ["3:6 bad_number"]],
    [`${HEAD}PUSH sum`, ["3:6 bad_value"]],
    [`${HEAD}PUSH %1`, ["3:6 bad_register"]],
    [`${HEAD}PUSH $.pay`, ["3:6 bad_reference"]],
    [`${HEAD}PUSH bytes:0a1`, ["3:12 bad_bytes"]],
    [`${HEAD}PUSH pointer:a`, ["3:14 bad_pointer"]],
    [`${HEAD}PUSH { lit: 1 }`, ["3:6 special_object"]],
    [`${HEAD}PUSH { a: 1, a: 2 }`, ["3:14 duplicate_key"]],
    [`${HEAD}PUSH [1 2]`, ["3:9 unexpected"]],
    [`${HEAD}PUSH [1,\nHALT`, ["4:1 bad_value"]],
    [`${HEAD}INTERP [[0, %x]]`, ["3:13 reference_not_possible"]],
    [`${HEAD}SEXT many`, ["3:6 bad_number"]],
    [`${HEAD}CAP kv.get "k"`, ["3:12 bad_arguments"]],
    [`${HEAD}SPAWN %t func=f ; then begin\nHALT`, []],
    [`${HEAD}SPAWN %t begin\nHALT`, ["3:1 block_unbalanced"]],
    [`${HEAD}SPAWN %t begin\nend\nHALT`, ["3:1 empty_body"]],
    [`${HEAD}SPAWN %t bogus=1 begin\nADD 1\nend\nHALT`, ["3:10 unknown_field", "4:5 unexpected"]],
    [`${HEAD}SPAWN %t body=[]`, ["3:15 bad_body"]],
    [`${HEAD}end`, ["3:1 block_unbalanced"]],
    [`${HEAD}HALT\n.overlap skip`, ["4:1 directive_after_code"]],
    [`${HEAD}.version 2.0.0\nHALT`, ["3:1 duplicate_directive"]],
    [`${HEAD}.const a = 1\n.const a = 2\nHALT`, ["4:1 duplicate_directive"]],
    [`${HEAD}.constants none\n.const a = 2\nHALT`, ["4:1 duplicate_directive"]],
    [`${HEAD}.trigger boot\n.triggers none\nHALT`, ["4:1 duplicate_directive"]],
    [`${HEAD}.limits cpuSteps\nHALT`, ["3:17 unexpected"]],
    [`${HEAD}.overlap skip queue\nHALT`, ["3:15 unexpected"]],
    [`${HEAD}<>`, ["3:1 bad_line"]],
  ])("%j", (text, expected) => {
    expect(problems(text)).toEqual(expected);
  });

  test("at most 64 problems are listed", () => {
    expect(problems(HEAD + "X\n".repeat(500))).toHaveLength(AUTHORING_LIMITS.diagnostics);
  });

  test("a text beyond its size is refused before it is read", () => {
    const text = `${HEAD};${"é".repeat(AUTHORING_LIMITS.textBytes / 2)}\nHALT`;

    expect(problems(text)).toEqual(["1:1 source_too_large"]);
    expect(problems("x".repeat(10_000_000))).toEqual(["1:1 source_too_large"]);
  });

  test.each([
    ["lists", "["],
    ["objects", "{a:"],
    ["raw values", "@"],
    ["literals", "lit:"],
  ])("%s without an end are refused, not a full stack", (_, open) => {
    expect(problems(`${HEAD}PUSH ${open.repeat(50_000)}`)).toHaveLength(1);
  });

  test("bodies nest four deep", () => {
    const text = `${HEAD}${"SPAWN %t begin\n".repeat(5)}HALT\n${"end\n".repeat(5)}`;

    expect(problems(text)).toEqual(["7:1 spawn_too_deep"]);
  });

  test("more instructions than a program may have are one problem", () => {
    expect(problems(HEAD + "DUP\n".repeat(5000))).toContain("4099:1 too_many_instructions");
  });

  test("findings of the verifier name their lines", () => {
    const text = `${HEAD}.capabilities warp.drive\n\nloop:\n  ADD\n  JUMP nowhere\n`;
    const result = parseText({ file: "t.imu", text });
    if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
    const start = { file: "t.imu", line: 1, column: 1 };
    const said = (document: object): readonly string[] => {
      const verified = verifyProgram(document as Json, view);
      if (verified.ok) return [];
      const places = { origins: result.origins, members: result.members, start };
      return issueDiagnostics(verified.issues, places).map((d) => `${d.position.line} ${d.code}`);
    };

    expect(said(result.document)).toEqual(["3 unknown_capability"]);
    expect(said({ ...result.document, capabilities: [] })).toEqual(["7 unknown_label"]);
  });
});

describe("garbage", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      ...[
        "PUSH ",
        "SPAWN ",
        "begin",
        "end",
        "\n",
        '"',
        "[",
        "{",
        "}",
        "]",
        "(",
        ")",
        "=",
        ":",
        ",",
        ";",
        "%",
        "$.",
      ],
      ...[
        ".program ",
        ".const ",
        ".claim ",
        "lit:",
        "@",
        "__proto__",
        "reg:",
        "\\",
        "\r",
        "\0",
        "\ud800",
        "1e",
        "-",
      ],
    ),
    fc.string({ maxLength: 4, unit: "binary" }),
  );

  test("any text gives a document or problems with places in it", () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = HEAD + pieces.join("");
        const result = parseText({ file: "t.imu", text });
        if (result.ok) {
          expect(result.document.code.length).toBe(result.origins.filter((o) => o.unit === "code").length);
          return;
        }
        const lines = text.split("\n").length;
        expect(result.diagnostics.length).toBeGreaterThan(0);
        for (const { position } of result.diagnostics) {
          expect(position.line).toBeGreaterThan(0);
          expect(position.line).toBeLessThanOrEqual(lines);
          expect(position.column).toBeGreaterThan(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a program that was cut off or altered anywhere never throws", () => {
    fc.assert(
      fc.property(arbitraryDocument, fc.nat(), fc.nat(), piece, (document, from, length, put) => {
        const text = printText(document);
        const at = from % text.length;
        parseText({ file: "t.imu", text: text.slice(0, at) });
        parseText({ file: "t.imu", text: text.slice(0, at) + put + text.slice(at + (length % 5)) });
      }),
      { numRuns: 500 },
    );
  });

  test("the time grows with the text, not with its square", () => {
    for (const unit of [
      'PUSH "',
      "PUSH [",
      "a: ",
      "PUSH $.payload.aaaa ",
      '"x',
      "SPAWN %t begin x=1 begin\n",
    ]) {
      const text = HEAD + unit.repeat(Math.floor(200_000 / unit.length));
      const started = performance.now();
      parseText({ file: "t.imu", text });
      expect(performance.now() - started).toBeLessThan(1500);
    }
  });
});
