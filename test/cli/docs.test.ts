/** The documents keep up with the code: every command and every member has its place. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../firmware/composition/config.ts";
import { CONFIG_SCHEMA } from "../../firmware/composition/config-schema.ts";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { imuctl } from "./support.ts";

const doc = (name: string): Promise<string> => readFile(join(PACKAGE_ROOT, "docs", name), "utf8");

async function subcommands(...path: string[]): Promise<readonly string[]> {
  const { out } = await imuctl([...path, "--help"]);
  const section = /Commands:\n([\s\S]*?)\n\n/.exec(`${out}\n\n`)?.[1] ?? "";
  return [...section.matchAll(/^ {2}([a-z]+)/gm)]
    .map((match) => match[1] ?? "")
    .filter((name) => name !== "help");
}

test("docs/imuctl.md names every command", async () => {
  const text = await doc("imuctl.md");
  const groups = await subcommands();
  expect(groups).toContain("ledger");

  const missing: string[] = [];
  for (const group of groups) {
    if (!text.includes(group)) missing.push(group);
    for (const name of await subcommands(group)) {
      if (!new RegExp(`${group}[^\\n]*\\b${name}\\b`).test(text)) missing.push(`${group} ${name}`);
    }
  }

  expect(missing).toEqual([]);
});

interface Described {
  readonly properties?: Readonly<Record<string, Described>>;
  readonly items?: Described;
}

function members(schema: Described): readonly string[] {
  const own = Object.entries(schema.properties ?? {});
  return [
    ...own.flatMap(([name, inner]) => [name, ...members(inner)]),
    ...(schema.items ? members(schema.items) : []),
  ];
}

test("docs/configuration.md describes every member", async () => {
  const text = await doc("configuration.md");

  const missing = members(CONFIG_SCHEMA as Described).filter(
    (name) => !new RegExp(`\`[\\w.]*\\b${name}\\b|\\{[^}]*\\b${name}\\b`).test(text),
  );

  expect(missing).toEqual([]);
});

test("the configuration that docs/configuration.md shows is one", async () => {
  const example = /```yaml\n([\s\S]*?)```/.exec(await doc("configuration.md"))?.[1] ?? "";

  expect(parseConfig(example, "imud.yaml")).toMatchObject({ board: "raspberry-pi-4", fleet: "greenhouse" });
});
