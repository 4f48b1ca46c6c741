/** docs/simulator.md: its scenario runs, its test is a test, its tables are complete. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { INVARIANTS } from "../../sim/harness/violations.ts";
import { imuctl, tempDir } from "./support.ts";

const page = await readFile(join(PACKAGE_ROOT, "docs", "simulator.md"), "utf8");
const blocks = (language: string): readonly string[] =>
  [...page.matchAll(new RegExp(`\`\`\`${language}\n([\\s\\S]*?)\`\`\``, "g"))].map((match) => match[1] ?? "");

test("the scenario that a reader writes by hand runs, also with its faults", async () => {
  const [scenario = "", faults = ""] = blocks("yaml");
  await using dir = await tempDir();
  const file = join(dir.path, "barrel.yaml");
  await writeFile(file, `${scenario}${faults}`.replaceAll("examples/", `${join(PACKAGE_ROOT, "examples")}/`));

  const { code, out, err } = await imuctl(["sim", "run", file]);

  expect(err).toContain("1 runs, 1 ok, 0 failed");
  expect(out).toMatch(/^barrel\t1\t-\tok\t-\t6m\t1\t/);
  expect(code).toBe(0);
});

test("the test that it shows is the one that is run", async () => {
  const file = join(PACKAGE_ROOT, "test", "sim", "harness", "users-test.test.ts");

  expect(blocks("ts")).toEqual([await readFile(file, "utf8")]);
});

test("every invariant and every command has its row", async () => {
  const missing = Object.entries(INVARIANTS).filter(
    ([id, name]) => !page.includes(`| ${id} | \`${name}\` |`),
  );
  const { out } = await imuctl(["sim", "--help"]);
  const commands = [...out.matchAll(/^ {2}([a-z]+)[| [<]/gm)].map((match) => match[1] ?? "");

  expect(missing).toEqual([]);
  expect(commands).toContain("minimize");
  expect(
    commands.filter((name) => name !== "imuctl" && name !== "demo" && !page.includes(`sim ${name}`)),
  ).toEqual([]);
});
