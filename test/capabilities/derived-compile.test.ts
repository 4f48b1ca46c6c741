import { describe, expect, test } from "vitest";
import { compileDerived, compileTemplates } from "../../firmware/capabilities/index.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { lookup, manifest, nested, PARAMS, templates } from "./derived-manifests.ts";

const step = (args: Json, call = "gpio.write", as = "one") => ({ as, call, args });
const used = { output: { param: "output" } };
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

describe("a manifest", () => {
  test("gets class, resources, cost and identity from its steps", () => {
    const result = compileDerived(manifest(), lookup);

    expect(result).toMatchObject({
      ok: true,
      compiled: {
        identity: hashJson(manifest()),
        contract: { id: "board.follow", class: "effect", costMilli: 700, resources: [] },
      },
    });
    expect(result.ok && Object.keys(result.compiled.contract)).not.toContain("steps");
  });

  test("may state what follows from its steps", () => {
    const stated = manifest({ class: "effect", costMilli: 700, resources: [] });

    expect(compileDerived(stated, lookup)).toMatchObject({ ok: true });
  });

  test.each([
    [["clock.now"], "local"],
    [["clock.now", "gpio.read"], "read"],
    [["gpio.read", "gpio.write", "clock.now"], "effect"],
  ])("of %j is of class %s", (calls, expected) => {
    const steps = calls.map((call, i) => step({ ...used }, call, `s${i}`));
    const examples = [{ args: ["x"], calls: calls.map((call) => ({ call, args: { output: "x" } })) }];

    expect(compileDerived(manifest({ steps, returns: null, examples }), lookup)).toMatchObject({
      ok: true,
      compiled: { contract: { class: expected } },
    });
  });

  test("names resources over its own arguments, each once, and leaves out what only a step knows", () => {
    const chips: Json[] = ["chip0", { param: "output" }, "chip0", { step: "s0", pointer: "/a" }, "{output}"];
    const steps = chips.map((chip, i) => step({ chip }, "gpio.read", `s${i}`));
    const calls = steps.map(({ args }, i) => ({
      call: "gpio.read",
      args: i === 1 ? { chip: "x" } : args,
    }));

    const made = manifest({ steps, returns: null, examples: [{ args: { output: "x" }, calls }] });

    expect(compileDerived(made, lookup)).toMatchObject({
      ok: true,
      compiled: { contract: { resources: ["gpio:chip0", "gpio:{output}"] } },
    });
  });

  const bad: readonly (readonly [string, unknown, string, string])[] = [
    ["no object", null, "contract_invalid", "$"],
    ["a list", [], "contract_invalid", "$"],
    ["a missing member", manifest({ title: 1 }), "contract_invalid", "$.title"],
    ["a member that nobody knows", manifest({ script: "x" }), "contract_invalid", "$.script"],
    ["a version that is none", manifest({ version: "1" }), "contract_invalid", "$.version"],
    ["an id that is none", manifest({ id: "Follow" }), "contract_invalid", "$.id"],
    ["another format", manifest({ format: "x" }), "contract_invalid", "$.format"],
    ["the class control", manifest({ class: "control" }), "contract_invalid", "$.class"],
    ["a class not of its steps", manifest({ class: "read" }), "contract_invalid", "$.class"],
    ["a cost not of its steps", manifest({ costMilli: 1 }), "contract_invalid", "$.costMilli"],
    ["resources not of its steps", manifest({ resources: ["a"] }), "contract_invalid", "$.resources"],
    ["a key held around its steps", manifest({ exclusive: "x" }), "contract_invalid", "$.exclusive"],
    ["a rate without burst", manifest({ rate: { rps: 1 } }), "contract_invalid", "$.rate"],
    [
      "evidence without source",
      manifest({ evidence: [{ kind: "x" }] }),
      "contract_invalid",
      "$.evidence[0].source",
    ],
    ["params of another type", manifest({ params: { type: "array" } }), "contract_invalid", "$.params"],
    ["a null schema", manifest({ result: { properties: { a: null } } }), "contract_invalid", "$.result"],
    ["a pattern that is no text", manifest({ result: { pattern: 5 } }), "contract_invalid", "$.result"],
    ["an unbounded result", manifest({ result: { type: "string" } }), "contract_unbounded", "$.result"],
    ["a topic with an unknown hole", manifest({ topic: "a:{b}" }), "unknown_hole", "$.topic"],
    ["a position without a param", manifest({ positional: ["b"] }), "unknown_hole", "$.positional"],
    ["no steps", manifest({ steps: [] }), "contract_invalid", "$.steps"],
    ["nine steps", manifest({ steps: Array(9).fill(step(used)) }), "contract_invalid", "$.steps"],
    [
      "a step without a name",
      manifest({ steps: [{ call: "a", args: {} }] }),
      "contract_invalid",
      "$.steps[0].as",
    ],
    [
      "a step named __proto__",
      manifest({ steps: [step(used, "clock.now", "__proto__")] }),
      "contract_invalid",
      "$.steps[0].as",
    ],
    [
      "two steps of one name",
      manifest({ steps: [step(used), step(used)] }),
      "contract_invalid",
      "$.steps[1].as",
    ],
    ["no examples", manifest({ examples: [] }), "contract_invalid", "$.examples"],
    [
      "an example without calls",
      manifest({ examples: [{ args: {} }] }),
      "contract_invalid",
      "$.examples[0].calls",
    ],
    [
      "an example that lacks a call",
      manifest({ examples: [{ args: ["x"], calls: [] }] }),
      "example_mismatch",
      "$.examples[0].calls[0]",
    ],
    [
      "an example whose arguments are refused",
      manifest({ examples: [{ args: {}, calls: [] }] }),
      "example_mismatch",
      "$.examples[0].args",
    ],
    ["a text of lone surrogates", manifest({ title: "\ud800" }), "contract_unbounded", "$"],
    ["a function", { ...manifest(), title: () => "x" }, "contract_unbounded", "$"],
    ["itself inside", cyclic, "contract_unbounded", "$"],
    ["hundred thousand levels", manifest({ returns: nested(100_000) }), "contract_unbounded", "$"],
    ["a million values", manifest({ returns: Array(1_000_000).fill(0) }), "contract_unbounded", "$"],
    ["a text of a megabyte", manifest({ title: "x".repeat(1 << 20) }), "contract_unbounded", "$"],
  ];
  test.each(bad)("with %s is refused", (_, value, code, path) => {
    expect(compileDerived(value, lookup)).toMatchObject({ ok: false, code, status: 422, details: { path } });
  });

  test("whose example differs in one value is refused at that call", () => {
    const examples = [
      {
        args: { output: "pump" },
        calls: [
          { call: "gpio.read", args: { input: "door" } },
          { call: "gpio.write", args: { output: "pump", value: 1 } },
        ],
      },
    ];

    expect(compileDerived(manifest({ examples }), lookup)).toMatchObject({
      code: "example_mismatch",
      details: { path: "$.examples[0].calls[1]" },
    });
  });

  test("whose surplus example call would not be made is refused", () => {
    const examples = [
      {
        args: { output: "pump" },
        calls: [
          { call: "gpio.read", args: { input: "door" } },
          { call: "gpio.write", args: { output: "pump", value: { step: "door", pointer: "/value" } } },
          null,
        ],
      },
    ];

    expect(compileDerived(manifest({ examples }), lookup)).toMatchObject({
      code: "example_mismatch",
      details: { path: "$.examples[0].calls[2]" },
    });
  });
});

describe("templates", () => {
  const proto: JsonObject = JSON.parse('{"__proto__": {"param": "constructor"}}');
  const bad: readonly (readonly [string, Json, string, string])[] = [
    ["a param that is not declared", templates({ a: { param: "b" } }), "unknown_hole", "$.steps[0].args.a"],
    ["an inherited name", templates({ a: { param: "toString" } }), "unknown_hole", "$.steps[0].args.a"],
    ["a hole below __proto__", templates(proto), "unknown_hole", "$.steps[0].args.__proto__"],
    ["a param that is no name", templates({ a: { param: 1 } }), "unknown_hole", "$.steps[0].args.a"],
    [
      "a step that is none",
      templates({ a: { step: "b", pointer: "" } }),
      "unknown_hole",
      "$.steps[0].args.a",
    ],
    ["its own result", templates({ a: { step: "one", pointer: "" } }), "unknown_hole", "$.steps[0].args.a"],
    [
      "a later result",
      templates(used, {
        steps: [step({ a: [{ step: "two", pointer: "" }] }), step(used, "clock.now", "two")],
      }),
      "unknown_hole",
      "$.steps[0].args.a[0]",
    ],
    [
      "an optional param in an array",
      templates({ a: [{ param: "note" }] }),
      "unknown_hole",
      "$.steps[0].args.a[0]",
    ],
    ["an optional param at the top", templates({ param: "note" }), "unknown_hole", "$.steps[0].args"],
    [
      "an optional param as the answer",
      templates(used, { returns: { param: "note" } }),
      "unknown_hole",
      "$.returns",
    ],
    [
      "an unknown step in the answer",
      templates(used, { returns: [{ step: "x", pointer: "" }] }),
      "unknown_hole",
      "$.returns[0]",
    ],
    [
      "a required param that nothing uses",
      templates({ output: "x" }, { returns: null }),
      "unused_param",
      "$.params.output",
    ],
    [
      "a call that nobody provides",
      templates(used, { steps: [step(used, "gpio.none")] }),
      "unknown_capability",
      "$.steps[0].call",
    ],
    [
      "a derived call",
      templates(used, { steps: [step(used, "board.other")] }),
      "unknown_capability",
      "$.steps[0].call",
    ],
    ["a call of itself", templates(used, { id: "gpio.write" }), "unknown_capability", "$.steps[0].call"],
    [
      "a call of itself by alias",
      templates(used, { id: "gpio.write", steps: [step(used, "gpio_write")] }),
      "unknown_capability",
      "$.steps[0].call",
    ],
    [
      "a call for operators",
      templates(used, { steps: [step(used, "i2c.scan")] }),
      "unknown_capability",
      "$.steps[0].call",
    ],
    [
      "more than 64 holes",
      templates(Array(65).fill({ param: "output" })),
      "contract_unbounded",
      "$.steps[0].args[64]",
    ],
    ["thirty levels", templates([used, nested(30)]), "contract_unbounded", "$"],
  ];
  test.each(bad)("with %s are refused", (_, value, code, path) => {
    expect(compileTemplates(value, lookup)).toMatchObject({
      ok: false,
      code,
      status: 422,
      details: { path },
    });
  });

  test.each(["/~", "/~2", "a", "/a/~", "x".repeat(300)])("with the pointer %j are refused", (pointer) => {
    const steps = [step(used), step({ a: { step: "one", pointer } }, "clock.now", "two")];

    expect(compileTemplates(templates(used, { steps }), lookup)).toMatchObject({ code: "unknown_hole" });
  });

  test.each<[string, Json]>([
    ["an optional param as a member inside an array", [{ a: { param: "note" } }, used]],
    ["a param with a default in an array", [{ param: "value" }, used]],
    ["a required param at the top", { param: "output" }],
    ["data that only resembles a hole", { a: { param: "x", b: 1 }, b: { step: "x" }, ...used }],
    ["64 holes", Array(64).fill({ param: "output" }).slice(1)],
  ])("may have %s", (_, args) => {
    expect(compileTemplates(templates(args), lookup)).toMatchObject({ ok: true });
  });

  test("tell no more than the beginning of a hostile name", () => {
    const result = compileTemplates(templates({ ["x".repeat(10_000)]: { param: "b" } }), lookup);

    expect(result.ok ? "" : String(result.details.path)).toHaveLength(256);
  });

  test("may name a param __proto__, which is a name like any other", () => {
    const params: Json = JSON.parse(
      '{"type":"object","additionalProperties":false,"required":["__proto__"],"properties":{"__proto__":{"type":"null"}}}',
    );

    expect(
      compileTemplates(templates({ a: { param: "__proto__" } }, { params, returns: 1 }), lookup),
    ).toMatchObject({ ok: true });
    expect(PARAMS).not.toHaveProperty("a");
  });
});
