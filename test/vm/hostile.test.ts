import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import type { Json } from "../../firmware/core/json.ts";
import { parseProgram, verifyProgram } from "../../firmware/vm/index.ts";
import { aDocument, aProgram, runToEnd, view } from "./support.ts";

const reasonOf = (document: Json): string | undefined => {
  const result = verifyProgram(document, view);
  return result.ok ? undefined : result.issues[0]?.code;
};

function nested(depth: number): Json {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

describe("documents made to hurt", () => {
  it("refuses bytes above 256 KiB before parsing them", () => {
    expect(() => parseProgram(new Uint8Array(256 * 1024 + 1))).toThrow(/limit/);
  });

  it("refuses a duplicate member", () => {
    expect(() => parseProgram(utf8('{"format":"imu.program/1","format":"x"}'))).toThrow(/twice/);
  });

  it.each([
    [
      "4097 instructions",
      aDocument(Array.from({ length: 4097 }, () => ({ op: "NEW_ARR" }))),
      "too_many_instructions",
    ],
    ["nesting of 100000 levels", aDocument([{ op: "PUSH", value: nested(100_000) }]), "document_too_large"],
    [
      "an operand of 17 levels",
      aDocument([{ op: "PUSH", value: nested(17) }, { op: "HALT" }]),
      "operand_too_deep",
    ],
    ["an unknown instruction", aDocument([{ op: "constructor" }]), "unknown_opcode"],
    ["an instruction named __proto__", aDocument([{ op: "__proto__" }]), "unknown_opcode"],
    ["an instruction that is no object", aDocument([7]), "bad_field"],
    ["a text of 300 KiB", aDocument([{ op: "PUSH", value: "x".repeat(300 * 1024) }]), "document_too_large"],
    ["a lone surrogate", aDocument([{ op: "PUSH", value: "\ud800" }]), "bad_field"],
    ["an array for a document", [1], "bad_field"],
    ["a limit named toString", aDocument([{ op: "HALT" }], { limits: { toString: 1 } }), "limits_invalid"],
    [
      "JSON of 5000 levels in a text reference",
      aDocument([{ op: "PUSH", ref: `${"[".repeat(5000)}${"]".repeat(5000)}` }]),
      "operand_too_deep",
    ],
  ])("refuses %s", (_name, document, code) => {
    expect(reasonOf(document)).toBe(code);
  });

  it("verifies 2000 nested regions in linear time", () => {
    const tries = Array.from({ length: 2000 }, () => ({ op: "TRY", handler: "h" }));
    const ends = Array.from({ length: 2000 }, () => ({ op: "ENDTRY" }));
    const handler = [{ op: "HALT" }, { op: "LABEL", name: "h" }, { op: "POP" }, { op: "HALT" }];

    expect(reasonOf(aDocument([...tries, ...ends, ...handler]))).toBeUndefined();
  });

  it("refuses a function with more parameters than registers", () => {
    const params = Array.from({ length: 129 }, (_, i) => `p${i}`);
    const code = [{ op: "FUNC", name: "f", params }, { op: "ENDFUNC" }, { op: "HALT" }];

    expect(reasonOf(aDocument(code))).toBe("too_many_registers");
  });

  it("refuses a body nested five deep", () => {
    let body: unknown = { op: "HALT" };
    for (let i = 0; i < 5; i++) body = { op: "SPAWN", as: "t", body: [body] };

    expect(reasonOf(aDocument([body]))).toBe("spawn_too_deep");
  });
});

describe("programs made to hurt", () => {
  const proto = JSON.parse('{"__proto__": {"polluted": true}}') as Json;

  it("sees no inherited member", () => {
    const program = aProgram([
      { op: "NEW_OBJ" },
      { op: "STORE", reg: "o" },
      { op: "GETK", oid: "reg:o", key: "constructor" },
      { op: "STORE", reg: "a" },
      { op: "HASK", oid: "reg:o", key: "toString" },
      { op: "STORE", reg: "b" },
      { op: "RESPOND", body: { a: "reg:a", b: "reg:b", c: "$.payload.hasOwnProperty" } },
    ]);

    expect(runToEnd(program).outcome.body).toEqual({ a: null, b: false, c: null });
  });

  it("treats __proto__ as a plain key, in and out", () => {
    const program = aProgram([{ op: "RESPOND", body: "$.payload" }]);

    const { body } = runToEnd(program, { payload: proto }).outcome;

    expect(JSON.stringify(body)).toBe('{"__proto__":{"polluted":true}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it.each([
    ["steps", [{ op: "JUMP", to: 0 }], "cpu_steps_exceeded"],
    ["memory", [{ op: "NEW_ARR" }, { op: "POP" }, { op: "JUMP", to: 0 }], "mem_exceeded"],
    [
      "sleep",
      [
        { op: "SLEEP_MS", ms: 1000 },
        { op: "JUMP", to: 0 },
      ],
      "sleep_total_exceeded",
    ],
    ["calls", [{ op: "CALL", fn: "f" }, { op: "POP" }, { op: "JUMP", to: 0 }], "io_calls_exceeded"],
    ["claims", Array.from({ length: 51 }, (_, i) => ({ op: "EVIDENCE", claim: `c${i}` })), "claims_exceeded"],
    [
      "tasks",
      Array.from({ length: 9 }, () => ({ op: "SPAWN", as: "t", body: [{ op: "JUMP", to: 0 }] })),
      "tasks_exceeded",
    ],
    [
      "recursion",
      [
        { op: "FUNC", name: "r" },
        { op: "CALLF", name: "r" },
        { op: "RET" },
        { op: "ENDFUNC" },
        { op: "CALLF", name: "r" },
        { op: "POP" },
      ],
      "call_depth_exceeded",
    ],
  ])("stops endless use of %s with its own reason", (_name, code, reason) => {
    const result = runToEnd(aProgram(code), { limits: { memKb: 64 } });

    expect(result.error).toMatchObject({ code: "quota_exceeded", reason, status: 429 });
    expect(result.ended).toBe("failed");
  });

  it("ends a cyclic structure with a typed error when it leaves", () => {
    const program = aProgram([
      { op: "NEW_ARR" },
      { op: "STORE", reg: "a" },
      { op: "APPEND", oid: "reg:a", value: "reg:a" },
      { op: "RESPOND", body: "reg:a" },
    ]);

    expect(runToEnd(program).error?.reason).toBe("value_too_deep");
  });

  it("refuses a payload above inputBytes without a step", () => {
    const result = runToEnd(aProgram([{ op: "HALT" }]), {
      payload: "x".repeat(100),
      limits: { inputBytes: 64 },
    });

    expect(result.error).toMatchObject({ code: "payload_too_large", status: 400 });
    expect(result.metrics.cpuSteps).toBe(0);
  });
});
