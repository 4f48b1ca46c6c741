import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkArguments,
  compileTemplates,
  renderCalls,
  renderReturns,
  renderStep,
} from "../../firmware/capabilities/index.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { lookup, templates } from "./derived-manifests.ts";

const used = { output: { param: "output" } };
const json = fc.jsonValue({ maxDepth: 4 }).map((value): Json => JSON.parse(JSON.stringify(value)));

function compiled(args: Json, over: Readonly<Record<string, Json>> = {}) {
  const result = compileTemplates(templates(args, over), lookup);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.templates;
}

/** The arguments of the first call. */
function rendered(template: Json, args: JsonObject): Json | undefined {
  const calls = renderCalls(compiled(template), args);
  return calls.ok ? calls.value[0]?.args : undefined;
}

/** Every text of a value, keys included. */
function* texts(value: Json): Generator<string> {
  if (typeof value === "string") yield value;
  else if (Array.isArray(value)) for (const item of value) yield* texts(item);
  else if (typeof value === "object" && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      yield key;
      yield* texts(inner);
    }
  }
}

describe("rendering", () => {
  test("puts defaults and values in place and leaves out members of absent params", () => {
    const part = compiled({
      a: { param: "value" },
      b: [used, { n: { param: "note" } }],
      c: { param: "note" },
    });
    const checked = checkArguments({ params: part.params, positional: ["output"] }, ["pump"]);

    expect(checked.ok && renderCalls(part, checked.args)).toEqual({
      ok: true,
      value: [{ call: "gpio.write", args: { a: 1, b: [{ output: "pump" }, {}] } }],
    });
  });

  test.each([
    "pump; rm -rf /",
    "$(reboot)",
    "{output}",
    "../../etc/passwd",
    '{"param":"note"}',
    '","value":1,"x":"',
    "__proto__",
  ])("places %j as the one text that it is", (output) => {
    expect(rendered({ output: { param: "output" }, fixed: "on" }, { output })).toEqual({
      output,
      fixed: "on",
    });
  });

  test("does not look into a value that was placed", () => {
    const output = { param: "note", step: { step: "one", pointer: "" } };

    expect(rendered([used], { output: { param: "note" }, note: "secret" })).toEqual([
      { output: { param: "note" } },
    ]);
    expect(rendered([used], { output })).toEqual([{ output }]);
  });

  test("never concatenates: every text is one of the template or one of the arguments", () => {
    fc.assert(
      fc.property(json, json, json, (output, note, literal) => {
        const known = new Set(texts([{ output: 0, n: 0, l: 0 }, output, note, literal]));
        const template = [
          { output: { param: "output" }, n: { param: "note" } },
          { l: { output: { param: "output" } } },
        ];
        const calls = rendered(template, { output, note });

        expect(calls).toEqual([{ output, n: note }, { l: { output } }]);
        for (const text of texts(calls ?? null)) expect(known).toContain(text);
      }),
    );
  });

  test("keeps a template without holes as it is, whatever its names", () => {
    fc.assert(
      fc.property(json, (literal) => {
        const result = compileTemplates(templates([literal, used]), lookup);
        fc.pre(result.ok);
        const calls = rendered([literal, used], { output: 1 });

        expect(canonicalize(calls)).toBe(canonicalize([literal, { output: 1 }]));
      }),
    );
  });

  test("keeps members named __proto__ and reaches no prototype", () => {
    const template: Json = JSON.parse(
      '{"__proto__": {"polluted": {"param": "output"}}, "constructor": {"param": "note"}}',
    );
    const args: JsonObject = JSON.parse('{"output": {"__proto__": {"deep": 1}}}');
    const value = rendered(template, args);

    expect(JSON.stringify(value)).toBe('{"__proto__":{"polluted":{"__proto__":{"deep":1}}}}');
    expect(Object.hasOwn({}, "polluted") || "polluted" in {}).toBe(false);
  });

  const results = new Map<string, Json>([["one", { data: [{ "a/b": 5, "m~n": null }] }]]);
  const later = (hole: Json) =>
    compiled(used, {
      steps: [
        { as: "one", call: "gpio.read", args: used },
        { as: "two", call: "gpio.write", args: { v: hole } },
      ],
      returns: { v: hole },
    });

  test.each<[string, Json]>([
    ["", { data: [{ "a/b": 5, "m~n": null }] }],
    ["/data/0/a~1b", 5],
    ["/data/0/m~0n", null],
  ])("takes %j out of an earlier result", (pointer, expected) => {
    const part = later({ step: "one", pointer });
    const [, second] = part.steps;

    expect(second && renderStep(second, {}, results)).toEqual({ ok: true, value: { v: expected } });
    expect(renderReturns(part, {}, results)).toEqual({ ok: true, value: { v: expected } });
  });

  test.each(["/none", "/data/1", "/data/-1", "/data/length", "/__proto__", "/constructor/name"])(
    "refuses %j, which the result lacks, instead of making a value up",
    (pointer) => {
      const part = later({ step: "one", pointer });
      const [, second] = part.steps;

      expect(second && renderStep(second, {}, results)).toMatchObject({
        code: "unknown_hole",
        details: { path: "$.two.args.v", why: "no_such_value" },
      });
      expect(renderReturns(part, {}, results)).toMatchObject({ code: "unknown_hole" });
      expect(renderReturns(part, {}, new Map())).toMatchObject({ code: "unknown_hole" });
    },
  );
});
