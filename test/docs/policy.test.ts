/** docs/policy.md: its tables are the compiler's, its examples compile or are refused as they say. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { fillPolicyTemplate } from "../../firmware/composition/policy-template.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import { compilePolicy } from "../../firmware/policy/index.ts";
import { generatedSections, withSections } from "../../tools/docs.ts";
import { documentText, exampleProgram, jsonExamples } from "./documents.ts";

const text = await documentText("policy.md");
const examples = jsonExamples(text);

function errorsOf(document: Json): readonly string[] {
  const result = compilePolicy(utf8(JSON.stringify(document)));
  return result.ok ? [] : result.errors.map(({ code, path }) => `${code} ${path}`);
}

test("the tables are those that the compiler works with", async () => {
  expect(withSections(text, (await generatedSections())["policy.md"])).toBe(text);
});

test.each(examples.map(({ line, value, mark }) => [line, value, mark?.data.errors ?? []] as const))(
  "the policy at line %i compiles, or is refused as its mark says",
  (_line, value, expected) => {
    expect(errorsOf(value)).toEqual(expected);
  },
);

test("the first example allows exactly what the example document of programs.md uses", async () => {
  const program = await exampleProgram("vent");
  const policy = examples[0]?.value;
  if (policy === undefined || !isJsonObject(policy)) throw new Error("the first example is no object");
  const namesOf = (list: Json | undefined): readonly Json[] =>
    Array.isArray(list) ? list.map((item: Json) => (isJsonObject(item) ? (item.name ?? null) : null)) : [];

  expect(Object.keys(policy.subjects ?? {})).toEqual([`program:${String(program.name)}`]);
  expect(namesOf(policy.outputs)).toEqual(program.outputs);
  expect(namesOf(policy.bindings)).toEqual(["air_temperature"]);
});

test("the greenhouse policy compiles, and names the programs that are there", async () => {
  const folder = join(PACKAGE_ROOT, "examples", "greenhouse");
  const template = await readFile(join(folder, "policy.json"), "utf8");
  const names = { fleet: "demo", device: "imu-0000000000000000", operator: "0".repeat(64) };
  const result = compilePolicy(utf8(fillPolicyTemplate(template, names)));
  const files = await readdir(join(folder, "programs"));
  const programs = files.filter((file) => file.endsWith(".json")).map((file) => file.replace(".json", ""));

  if (!result.ok) throw new Error(JSON.stringify(result.errors));
  expect(Object.keys(result.policy.subjects)).toEqual(
    expect.arrayContaining(programs.map((name) => `program:${name}`)),
  );
  expect(result.policy.noRule).toBe("block");
  expect(result.policy.outputs.find(({ name }) => name === "fan")).toMatchObject({
    protective: true,
    safe: 0,
    maxTogglesPerMin: 30,
  });
  expect(result.policy.outputs.find(({ name }) => name === "pump")).toMatchObject({
    durability: "before",
    safe: 0,
  });
});

test("every lint code of the compiler stands in the table", async () => {
  const folder = join(PACKAGE_ROOT, "firmware", "policy");
  const files = (await readdir(folder)).filter((file) => file.startsWith("lint"));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const codes = sources.flatMap((source) =>
    [...source.matchAll(/\bissue\(\s*"([a-z_]+)"/g)].map((match) => match[1] ?? ""),
  );
  const table = text.slice(text.indexOf("## Lint"));

  expect(codes.length).toBeGreaterThan(15);
  expect(
    [...new Set(codes)].filter((code) => !table.includes(`\`${code}\``) && code !== "out_of_range"),
  ).toEqual([]);
});
