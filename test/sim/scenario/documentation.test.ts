/** docs/scenarios.md names everything that a scenario may say, and its example is one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../../firmware/composition/package-info.ts";
import { isJsonObject, type Json } from "../../../firmware/core/json.ts";
import { ATTACKS, DEEDS, FAULTS } from "../../../sim/scenario/acts.ts";
import type { ActTable } from "../../../sim/scenario/member.ts";
import { MODELS } from "../../../sim/scenario/models.ts";
import { parseScenario } from "../../../sim/scenario/parse-scenario.ts";
import { SCENARIO_SCHEMA } from "../../../sim/scenario/schema.ts";
import { NODE_KINDS } from "../../../sim/world/nodes/kinds.ts";
import type { NodeKind } from "../../../sim/world/nodes/node.ts";

const text = readFileSync(join(PACKAGE_ROOT, "docs", "scenarios.md"), "utf8");
/** Without the example, whose fences would be taken for code spans. */
const spans = [...text.replace(/```[\s\S]*?```/g, "").matchAll(/`([^`]+)`/g)];
const said = new Set(spans.flatMap((match) => (match[1] ?? "").split(/[^A-Za-z0-9_]+/)));

/** Inputs of one kind are numbered: the page names the first and the last. */
const inSeries = (name: string): boolean => /^(pin|r|ch|ain)\d+$/.test(name);

const ofActs = (table: ActTable): readonly string[] =>
  Object.entries(table).flatMap(([name, members]) => [
    name,
    ...Object.entries(members).flatMap(([member, { kind }]) => [
      member,
      ...(typeof kind === "string" ? [] : kind),
    ]),
  ]);

/** Names of members of closed objects, without those of acts, nodes, and rows of imud.yaml. */
function members(schema: unknown): readonly string[] {
  if (!isJsonObject(schema as Json)) return [];
  const { properties = {}, items } = schema as { readonly properties?: object; readonly items?: object };
  const own = Object.entries(properties).flatMap(([name, inner]) =>
    ["sensors", "lines", "config", "timeline", "world", "script"].includes(name)
      ? [name]
      : [name, ...members(inner)],
  );
  return [...own, ...members(items)];
}

test("every member, kind, model, fault and deed stands in docs/scenarios.md", () => {
  const kinds: readonly (readonly [string, NodeKind])[] = Object.entries(NODE_KINDS);
  const names = [
    ...members(SCENARIO_SCHEMA),
    ...ofActs(FAULTS),
    ...ofActs(DEEDS),
    ...ofActs(ATTACKS),
    ...kinds.flatMap(([name, { values, drivable, fields }]) => [
      name,
      ...Object.keys(values),
      ...drivable,
      ...fields,
    ]),
    ...Object.entries(MODELS).flatMap(([name, { reads }]) => [
      name,
      ...Object.keys(reads).filter((read) => !inSeries(read)),
    ]),
  ];
  expect(names.length).toBeGreaterThan(200);

  expect([...new Set(names)].filter((name) => !said.has(name))).toEqual([]);
});

test("the example of docs/scenarios.md is a scenario", () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? "";

  expect(parseScenario(example, "docs/scenarios.md")).toMatchObject({ name: "tank", warnings: [] });
});
