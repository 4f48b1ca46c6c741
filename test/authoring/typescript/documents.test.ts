/** What a document is made of: capabilities, outputs, input, evidence, origins; and that it is always the same. */
import { describe, expect, test } from "vitest";
import type { Json } from "../../../firmware/core/json.ts";
import { programHash } from "../../../firmware/vm/index.ts";
import { answered, around, build, documentOf, failed, HEADER, run, verified } from "./support.ts";

const ops = (text: string): readonly string[] =>
  documentOf(text).code.map(({ op, note: _, ...fields }) =>
    [op, ...Object.values(fields).map((v) => JSON.stringify(v))].join(" "),
  );

describe("capabilities", () => {
  test("calls by position and by name become CAP with named arguments", () => {
    const text = around(
      "",
      'gpio.write("pump", 1); gpio.write({ output: "fan", value: 0 }); mqtt.publish("news", { a: 1 }, { qos: 1 });',
    );

    const document = documentOf(text);

    expect(document.capabilities).toEqual(["gpio.write", "mqtt.publish"]);
    expect(document.outputs).toEqual(["pump", "fan", "news"]);
    expect(document.code.filter(({ op }) => op === "CAP").map(({ args }) => args)).toEqual([
      { output: "pump", value: 1 },
      { output: "fan", value: 0 },
      { output: "news", payload: { a: 1 }, qos: 1 },
    ]);
  });

  test("arguments are evaluated from left to right before the call", () => {
    const text = around("", 'let n = 1; kv.put("k", [n, n = 5, n++]); kv.put("n", n);');

    const { journal } = run(documentOf(text));

    expect(journal.map((entry) => (entry.t === "call" ? entry.args : null))).toEqual([
      { key: "k", value: [1, 5, 5] },
      { key: "n", value: 6 },
    ]);
  });

  test("functions that nobody calls bring neither code nor capabilities", () => {
    const document = documentOf(around('function unused(): void { gpio.write("pump", 1); }', "sleep(1);"));

    expect(document).toMatchObject({ code: [{ op: "SLEEP_MS" }, { op: "HALT" }] });
    expect(document.capabilities).toBeUndefined();
    expect(document.outputs).toBeUndefined();
  });

  test("a refusal is caught with its code and details", () => {
    const text = around(
      "",
      'let code = ""; let at: Json = null; try { gpio.write("pump", 1); } catch (e) { const f = faultOf(e); code = f.code; at = f.details; } evidence("c"); respond(200, { code, at });',
    );

    const { outcome } = run(documentOf(text), { answers: [failed("no_evidence", { target: "x" })] });

    expect(outcome.body).toEqual({ code: "no_evidence", at: { target: "x" } });
  });
});

describe("proof", () => {
  test("evidence ids of a call support a claim", () => {
    const text = around(
      "",
      'const air = sensor.read("air"); evidence("air", { type: "number", schema: { type: "number", unit: "Cel" }, value: air.value, evidence: evidenceOf(air) }); respond(200, { air: air.value });',
    );

    const { outcome } = run(documentOf(text), {
      answers: [answered({ value: 21, unit: "Cel", quality: "ok" }, ["ev1"])],
    });

    expect(outcome.body).toEqual({ air: 21 });
    expect(outcome.claims).toMatchObject([
      { id: "air", type: "number", value: 21, schema: { type: "number", unit: "Cel" }, evidence: ["ev1"] },
    ]);
  });

  test("claims by text or about, with everything literal but value and evidence", () => {
    const text = around(
      "",
      'const n = 4; claim({ id: "n", text: "there are n", value: n, schema: { type: "number" }, sources: ["vm://t"], minTrust: 0.5 }); claim({ about: "pumps" }); respond(201, {});',
    );

    const { outcome } = run(documentOf(text));

    expect(outcome.status).toBe(201);
    expect(outcome.claims).toMatchObject([
      { id: "n", text: "there are n", value: 4, sources: ["vm://t"], minTrust: 0.5 },
      { text: "pumps", value: null },
    ]);
  });
});

describe("input", () => {
  const payload =
    'payload: { type: "object", additionalProperties: false, required: ["raw", "tags", "deep"], properties: { raw: { type: "number" }, mode: { type: "string" }, tags: { type: "array", items: { type: "string" } }, deep: { type: "object", required: ["a/b"], properties: { "a/b": { type: "integer" } } } } }';
  const withInput = (statements: string): string =>
    `import { evidence, respond } from "imu";\nexport const program = { name: "t", version: "1.0.0", ${payload} };\ninterface Input { raw: number; mode: string | null; tags: string[]; deep: { "a/b": number } }\nexport function main(input: Input): void {\n${statements}\n}`;
  const given: Json = { raw: 2, tags: ["x", "y"], deep: { "a/b": 5 } };

  test("single values are read in place", () => {
    const text = withInput(
      'evidence("e"); respond(200, { r: input.raw, m: input.mode, d: input.deep["a/b"] });',
    );

    const document = documentOf(text);

    expect(document.code.at(-1)).toEqual({
      op: "RESPOND",
      status: 200,
      body: { r: "$.payload.raw", m: "$.payload.mode", d: { payload: "/deep/a~1b" } },
    });
    expect(run(document, { payload: given }).outcome.body).toEqual({ r: 2, m: null, d: 5 });
  });

  test("lists and objects are taken over once, so that changes to them last", () => {
    const text = withInput(
      'input.tags.push("z"); input.raw = 9; evidence("e"); respond(200, { t: input.tags, r: input.raw });',
    );

    expect(run(documentOf(text), { payload: given }).outcome.body).toEqual({ t: ["x", "y", "z"], r: 9 });
  });

  test("an input that breaks its contract starts no run", () => {
    const text = withInput("evidence(input.mode ?? 'none'.slice(0) === 'x' ? 'a' : 'a');").replace(
      /evidence\(.*\);/,
      "",
    );

    expect(run(documentOf(text), { payload: { raw: "x" } })).toMatchObject({
      status: 422,
      error: { code: "contract_violation" },
    });
  });
});

describe("code", () => {
  test("main ends silently, and loops test their condition at the end", () => {
    expect(ops(around("", "let i = 0; while (i < 3) i++;"))).toEqual([
      ...["PUSH 0", 'STORE "i"', 'JUMP "L2"', 'LABEL "L1"', 'LOAD "i"', "PUSH 1", "ADD", 'STORE "i"'],
      ...['LABEL "L2"', 'LOAD "i"', "PUSH 3", "LT", 'JNZ "L1"', "HALT"],
    ]);
  });

  test("constants are folded and conditions need no booleans", () => {
    const text = around(
      "const LIMIT = 10 * 6;",
      "let n = elapsed(); if (n !== 0 && !(n > LIMIT / 2)) sleep(LIMIT - 1);",
    );

    expect(ops(text)).toEqual([
      ...["ELAPSED", 'STORE "n"', 'LOAD "n"', 'JZ "L1"', 'LOAD "n"', "PUSH 30", "GT", 'JNZ "L1"'],
      ...["SLEEP_MS 59", 'LABEL "L1"', "HALT"],
    ]);
  });

  test("nothing is left that nobody reaches", () => {
    const text = around(
      "function f(n: number): number { while (true) { if (n > 3) return n; n++; } }",
      "if (f(1) > 2) { halt(); sleep(1); } else { respond(200); }",
    );

    const program = verified(documentOf(text));

    expect(program.warnings).toEqual([]);
    expect(program.document.code.filter(({ op }) => op === "SLEEP_MS")).toEqual([]);
  });

  test("a try statement that always leaves verifies without a warning", () => {
    const text = around(
      "function f(): number { try { return elapsed(); } catch { return 0; } } function g(n: number): void { for (;;) { try { sleep(n); break; } catch { continue; } } }",
      "g(f());",
    );

    expect(verified(documentOf(text)).warnings).toEqual([]);
  });

  test("more variables than a frame has registers are refused at a line", () => {
    const many = Array.from({ length: 130 }, (_, i) => `let v${i} = elapsed();`).join(" ");

    expect(build(around("", many))).toMatchObject({
      ok: false,
      diagnostics: expect.arrayContaining([
        expect.objectContaining({ code: "too_many_registers" }),
      ]) as unknown,
    });
  });
});

describe("origins", () => {
  const text = `${HEADER}function half(n: number): number {\n  return n /\n    2;\n}\nexport function main(): void {\n  let n = 3;\n  n += half(n);\n}\n`;

  test("every instruction has a place in the source and the function it is written in", () => {
    const result = build(text, "dir/half.ts");

    expect(result.ok && result.origins.length).toBe(result.ok && result.document.code.length);
    expect(
      result.ok && result.origins.map(({ index, position: p, fn }) => [index, p.file, p.line, p.column, fn]),
    ).toEqual([
      [0, "dir/half.ts", 7, 11, null],
      [1, "dir/half.ts", 7, 7, null],
      [2, "dir/half.ts", 8, 3, null],
      [3, "dir/half.ts", 8, 8, null],
      [4, "dir/half.ts", 8, 3, null],
      [5, "dir/half.ts", 8, 3, null],
      [6, "dir/half.ts", 9, 1, null],
      [7, "dir/half.ts", 2, 1, "half"],
      [8, "dir/half.ts", 3, 10, "half"],
      [9, "dir/half.ts", 4, 5, "half"],
      [10, "dir/half.ts", 3, 10, "half"],
      [11, "dir/half.ts", 3, 3, "half"],
      [12, "dir/half.ts", 5, 1, "half"],
    ]);
  });

  test("the same text gives the same document, whatever it is called", () => {
    const [one, two] = [build(text, "a.ts"), build(text, "b.ts")];

    expect(one.ok && programHash(one.document)).toBe(two.ok && programHash(two.document));
  });
});
