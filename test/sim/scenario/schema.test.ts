import { readFile } from "node:fs/promises";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import { SCENARIO_SCHEMA } from "../../../sim/scenario/schema.ts";
import { checkSchema, unknownKeywords } from "../../../sim/scenario/schema-check.ts";
import { PUBLISHED, publishedSchemaText } from "../../../tools/scenario-schema.ts";
import { EXAMPLE, minimal, parse } from "./support.ts";

const SCHEMA = SCENARIO_SCHEMA as JsonObject;
const byAjv = new Ajv2020({
  discriminator: true,
  allowUnionTypes: true,
  strict: true,
  strictRequired: false,
  unicode: false,
}).compile(SCHEMA);

test("the published schema is current; npx tsx tools/scenario-schema.ts writes it anew", async () => {
  expect(await readFile(PUBLISHED, "utf8")).toBe(publishedSchemaText());
});

/** Every place in a document, as the steps that lead there. */
function places(
  value: Json,
  steps: readonly (string | number)[] = [],
): readonly (readonly (string | number)[])[] {
  const inner = Array.isArray(value)
    ? value.flatMap((item, index) => places(item, [...steps, index]))
    : isJsonObject(value)
      ? Object.entries(value).flatMap(([name, item]) => places(item, [...steps, name]))
      : [];
  return [steps, ...inner];
}

/** A copy with something else at a place; undefined takes it away. */
function changed(value: Json, steps: readonly (string | number)[], by: Json | undefined): Json | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return by;
  const copy = structuredClone(value) as Record<string | number, Json>;
  const inner = changed(copy[step] ?? null, rest, by);
  if (inner !== undefined) copy[step] = inner;
  else if (Array.isArray(copy)) copy.splice(Number(step), 1);
  else delete copy[step];
  return copy as Json;
}

describe("the check of the schema", () => {
  test("knows every keyword that the schema uses", () => {
    expect(unknownKeywords(SCHEMA)).toEqual([]);
    expect(unknownKeywords({ items: { contains: {} } })).toEqual(["contains"]);
  });

  test("answers as ajv does, for scenarios with one thing changed", () => {
    const rich = `${EXAMPLE}  - { count: { event: x, device: [all], atLeast: 1 } }
adversaries: [{ id: m, script: [{ at: 1, send: raw, topic: x, payload: { a: [1] } }] }]
vary: { loss: [0, 0.5] }
bounds: { events: 5 }
`;
    const documents = [parse(EXAMPLE).document, parse(minimal("seed: 1..3")).document, parse(rich).document];
    const value = fc.oneof(
      fc.constantFrom<Json>(
        null,
        true,
        0,
        -1,
        1.5,
        1e9,
        "",
        "x",
        "10m",
        "all",
        "i2c-1",
        "tank1.level",
        "0x44",
      ),
      fc.constantFrom<Json>([], ["x"], {}, { of: "tank1.level" }, { event: "x" }, [[]], { kind: "door" }),
      fc.constant(undefined),
    );
    let refused = 0;
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.constantFrom(...documents),
        fc.nat(),
        value,
        fc.boolean(),
        (document, pick, by, extra) => {
          const all = places(document);
          const place = all[pick % all.length] ?? [];
          const at = extra ? [...place, "kind"] : place;
          const inside = place.reduce<Json>(
            (node, step) => (node as Record<string | number, Json>)[step] ?? null,
            document,
          );
          fc.pre(!extra || isJsonObject(inside));
          const candidate = changed(document, at, by);
          fc.pre(candidate !== undefined);
          const problem = checkSchema(candidate ?? null, SCHEMA);

          if (problem === null) accepted++;
          else refused++;
          expect([problem === null, candidate]).toEqual([byAjv(candidate), candidate]);
        },
      ),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(500);
    expect(accepted).toBeGreaterThan(100);
  });
});
