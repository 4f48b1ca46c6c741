/** Programs made by code: what comes out, and which mistakes are noticed. */
import { describe, expect, test } from "vitest";
import {
  BuilderError,
  type Label,
  program,
  type Register,
} from "../../../firmware/authoring/builder/index.ts";
import { printText } from "../../../firmware/authoring/text/index.ts";
import { plainJson } from "../../../firmware/composition/state-params.ts";
import { type ProgramDocument, verifyProgram } from "../../../firmware/vm/index.ts";
import { INSTRUCTION_NAMES } from "../../../firmware/vm/instruction-table.ts";
import { runToEnd, view } from "../../vm/support.ts";

const HEADER = { name: "t", version: "1.0.0" } as const;

function verified(document: ProgramDocument) {
  const result = verifyProgram(plainJson(document), view);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result;
}

const run = (document: ProgramDocument, payload = {}) => runToEnd(verified(document), { payload });

function failure(build: () => unknown): string {
  try {
    build();
  } catch (error) {
    if (error instanceof BuilderError) return error.code;
    throw error;
  }
  return "none";
}

describe("what is built", () => {
  test("a sum, with its evidence", () => {
    const { document, origins } = program(HEADER).code((b) => {
      b.push(b.payload("a"));
      b.push(b.payload("b"));
      b.add();
      const sum = b.store("sum");
      b.evidence({ claim: "a+b=sum", sources: ["vm://t"] });
      b.respond(200, { sum });
    });

    expect(document.code).toEqual([
      { op: "PUSH", value: "$.payload.a" },
      { op: "PUSH", value: "$.payload.b" },
      { op: "ADD" },
      { op: "STORE", reg: "sum" },
      { op: "EVIDENCE", claim: "a+b=sum", sources: ["vm://t"] },
      { op: "RESPOND", status: 200, body: { sum: "reg:sum" } },
    ]);
    expect(origins).toEqual([]);
    expect(run(document, { a: 2, b: 3 }).outcome.body).toEqual({ sum: 5 });
  });

  test("loops, conditions and functions run as they read", () => {
    const { document } = program({ ...HEADER, constants: { start: 0 } }).code((b) => {
      const square = b.func("square", ["x"], (f, { x }) => {
        f.load(x);
        f.load(x);
        f.mul();
        f.ret();
      });
      b.push(b.constant("start"));
      const sum = b.store("sum");
      b.push(5);
      const n = b.store("n");
      b.while(
        () => b.load(n),
        () => {
          b.callf(square, { x: n });
          b.load(sum);
          b.add();
          b.store(sum);
          b.load(n);
          b.push(1);
          b.sub();
          b.store(n);
        },
      );
      b.load(sum);
      b.push(50);
      b.gt();
      b.if(
        () => {
          b.push("more");
          b.store("size");
        },
        () => {
          b.push("less");
          b.store("size");
        },
      );
      b.evidence({ claim: "c" });
      b.respond(200, { sum, size: b.reg("size") });
    });

    expect(run(document).outcome.body).toEqual({ sum: 55, size: "more" });
  });

  test("tasks, handlers and calls", () => {
    const { document } = program({ ...HEADER, capabilities: ["f"] }).code((b) => {
      const task = b.spawn(
        "t",
        (t) => {
          t.load("n");
          t.push(1);
          t.add();
        },
        { n: 41 },
      );
      b.join({ task, timeout_ms: 50 });
      b.store("joined");
      b.cap("f", { x: 1 }, "ids");
      b.pop();
      b.call("f", ["reg:x", 2]);
      b.pop();
      b.try(
        () => b.fail({ reason: "on_purpose" }),
        () => {
          b.store("fault");
        },
      );
      b.evidence({ claim: "c" });
      b.respond(200, { fault: b.reg("fault") });
    });

    expect(document.code[0]).toMatchObject({ op: "SPAWN", as: "t", args: [{ to: "n", value: 41 }] });
    expect(document.code).toContainEqual({ op: "CALL", fn: "f", args: [{ lit: "reg:x" }, 2] });
    expect(run(document).outcome.body).toMatchObject({ fault: { reason: "on_purpose" } });
  });

  test("text is text, bytes are bytes, notes belong to the next instruction", () => {
    const { document } = program(HEADER).code((b) => {
      b.note("looks like a register");
      b.push("reg:x");
      b.push(["$.payload.a", { key: "const:n", raw: new Uint8Array([10, 255]) }]);
      b.push(b.lit({ lit: "reg:x" }));
      b.push(b.pointer("/a/0"));
      b.push(b.trigger("kind"));
      b.halt();
    });

    expect(document.code).toEqual([
      { op: "PUSH", value: { lit: "reg:x" }, note: "looks like a register" },
      { op: "PUSH", value: [{ lit: "$.payload.a" }, { key: { lit: "const:n" }, raw: { bytes: "0aff" } }] },
      { op: "PUSH", value: { lit: { lit: "reg:x" } } },
      { op: "PUSH", value: { payload: "/a/0" } },
      { op: "PUSH", value: "$.trigger.kind" },
      { op: "HALT" },
    ]);
  });

  test("labels without a name get one that nobody else has", () => {
    const { document } = program(HEADER).code((b) => {
      const [first, second, named] = [b.label(), b.label(), b.label("L1")];
      b.place(named);
      b.place(first);
      b.place(second);
      b.jump(first);
    });

    expect(document.code.map(({ name, label }) => name ?? label)).toEqual(["L1", "L2", "L3", "L2"]);
  });

  test("what was handed in can change later, the program does not", () => {
    const table: [number, number][] = [
      [0, 0],
      [1, 10],
    ];
    const { document } = program(HEADER).code((b) => {
      b.push(0.5);
      b.interp({ table });
      b.pop();
    });
    table.push([2, 0]);

    expect(document.code[1]).toEqual({
      op: "INTERP",
      table: [
        [0, 0],
        [1, 10],
      ],
    });
  });

  test("a built document has a text form", () => {
    const { document } = program({ ...HEADER, outputs: ["fan"] }).code((b) => b.halt());

    expect(printText(document)).toBe(".program t\n.version 1.0.0\n.outputs fan\n\n  HALT\n");
  });
});

test("every instruction has its method", () => {
  program(HEADER).code((b) => {
    b.halt();
    const structure: readonly string[] = ["LABEL", "FUNC", "ENDFUNC", "RET", "ENDTRY"];
    const names = INSTRUCTION_NAMES.filter((op) => !structure.includes(op)).map((op) =>
      op.toLowerCase().replace(/_(.)/, (_, letter: string) => letter.toUpperCase()),
    );

    expect(
      names.filter((name) => typeof Object.entries(b).find(([key]) => key === name)?.[1] !== "function"),
    ).toEqual([]);
  });
});

describe("mistakes", () => {
  const built = program(HEADER);

  test("a label that is jumped to must be placed, one that is not need not", () => {
    expect(failure(() => built.code((b) => b.jump(b.label("away"))))).toBe("label_not_placed");
    expect(
      failure(() =>
        built.code((b) => {
          b.label("unused");
          b.halt();
        }),
      ),
    ).toBe("none");
  });

  test.each<readonly [string, string, () => unknown]>([
    [
      "a label placed twice",
      "label_placed_twice",
      () =>
        built.code((b) => {
          const label = b.label();
          b.place(label);
          b.place(label);
        }),
    ],
    [
      "two labels of one name",
      "label_name_taken",
      () =>
        built.code((b) => {
          b.label("a");
          b.label("a");
        }),
    ],
    [
      "a jump out of a function",
      "wrong_frame",
      () =>
        built.code((b) => {
          const label = b.label();
          b.func("f", [], (f) => f.jump(label));
        }),
    ],
    [
      "a register of another function",
      "wrong_frame",
      () =>
        built.code((b) => {
          const x = b.reg("x");
          b.func("f", [], (f) => f.load(x));
        }),
    ],
    [
      "a register of the parent in a body",
      "wrong_frame",
      () =>
        built.code((b) => {
          const x = b.reg("x");
          b.spawn("t", (t) => t.push([x]));
        }),
    ],
    [
      "the main builder inside of a function",
      "wrong_frame",
      () => built.code((b) => b.func("f", [], () => b.halt())),
    ],
    [
      "two functions of one name",
      "function_exists",
      () =>
        built.code((b) => {
          b.func("f", [], (f) => f.ret());
          b.func("f", [], (f) => f.ret());
        }),
    ],
    ["an object that means a pointer", "special_object", () => built.code((b) => b.push({ payload: "/a" }))],
    ["a number that is none", "bad_value", () => built.code((b) => b.push(Number.NaN))],
    ["a register with a bad name", "bad_value", () => built.code((b) => b.store("__proto __"))],
    [
      "an operand without an end",
      "bad_value",
      () => {
        const endless: Record<string, never> = {};
        Object.assign(endless, { a: endless });
        return built.code((b) => b.push(endless));
      },
    ],
  ])("%s: %s", (_, code, build) => {
    expect(failure(build)).toBe(code);
  });

  test("nothing can be added when the program is finished", () => {
    const kept: { add?: () => void; label?: Label; register?: Register } = {};
    built.code((b) => {
      b.halt();
      kept.add = () => b.halt();
    });

    expect(failure(() => kept.add?.())).toBe("builder_closed");
  });

  test("the names of hostile members stay members", () => {
    const value = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, number>;
    const { document } = built.code((b) => b.push(value));

    expect(JSON.stringify(document.code[0])).toBe('{"op":"PUSH","value":{"__proto__":1,"constructor":2}}');
  });
});
