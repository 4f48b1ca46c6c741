/** docs/guide.md: what it tells to write works together, its commands exist, its links lead somewhere. */
import { access, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseConfig } from "../../firmware/composition/config.ts";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { imuctl, tempDir } from "../cli/support.ts";
import { documentText, exampleProgram, jsonExamples } from "./documents.ts";

const WRITTEN = ["guide.md", "programs.md", "program-text.md", "policy.md", "errors.md"];

/** All fences are read, so that the end of one block is never taken for the beginning of another. */
const blocks = (text: string, language: string): readonly string[] =>
  [...text.matchAll(/^```([a-z]*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , content]) => content ?? "");

/** Lines of shell blocks and code spans that begin with imuctl, continued lines joined. */
function commandsIn(text: string): readonly string[] {
  const shell = blocks(text, "").join("\n").replaceAll("\\\n", " ");
  const spans = [...text.matchAll(/`(imuctl [^`]+)`/g)].map((match) => match[1] ?? "");
  const lines = shell.split("\n").map((line) => line.replace(/^sudo /, "").trim());
  return [...lines, ...spans].filter((line) => line.startsWith("imuctl "));
}

/** The words of the command itself: before its options and arguments, without the options of all commands. */
function pathOf(command: string): readonly string[] {
  const words = command
    .replace(/ --(config|state) \S+/g, "")
    .split(/\s+/)
    .slice(1);
  const end = words.findIndex((word) => !/^[a-z]+$/.test(word));
  return words.slice(0, Math.min(2, end < 0 ? words.length : end));
}

test.each(WRITTEN)("every imuctl command in %s exists with its options", async (name) => {
  const wrong: string[] = [];
  for (const command of commandsIn(await documentText(name))) {
    const path = pathOf(command);
    if (path.length === 0) continue;
    const { code, out } = await imuctl([...path, "--help"]);
    const options = [...command.matchAll(/ (--[a-z-]+)/g)].map((match) => match[1] ?? "");
    if (code !== 0 || !out.startsWith(`Usage: imuctl ${path[0]}`)) wrong.push(command);
    else wrong.push(...options.filter((option) => !out.includes(option)).map((o) => `${command}: ${o}`));
  }

  expect(wrong).toEqual([]);
});

test("the guide shows many commands", async () => {
  expect(commandsIn(await documentText("guide.md")).length).toBeGreaterThan(20);
});

test.each(WRITTEN)("every link in %s leads to a file", async (name) => {
  const links = [...(await documentText(name)).matchAll(/\]\(([a-z.-]+\.md)(#[a-z-]+)?\)/g)];

  for (const [, file] of links) await access(join(PACKAGE_ROOT, "docs", file ?? ""));
  expect(name === "errors.md" || links.length > 0).toBe(true);
});

test("the configuration with the broker is one", async () => {
  const [device = "", broker = ""] = blocks(await documentText("guide.md"), "yaml");

  expect(parseConfig(device + broker, "/etc/imud/imud.yaml")).toMatchObject({ board: "raspberry-pi-4" });
});

test("configuration, policy and program of the guide are accepted together by a new device", async () => {
  await using folder = await tempDir();
  const dir = join(folder.path, "device");
  const created = await imuctl(["init", "--dir", dir, "--board", "raspberry-pi-4", "--fleet", "plant-7"]);
  const [config = ""] = blocks(await documentText("guide.md"), "yaml");
  const local = config.replace("/var/lib/imud", "state").replace("/run/imud", "run");
  await writeFile(join(dir, "imud.yaml"), local);
  const policy = jsonExamples(await documentText("policy.md"))[0]?.value;
  const program = await exampleProgram("vent");
  for (const file of await readdir(join(dir, "programs"))) await rm(join(dir, "programs", file));
  await writeFile(join(dir, "policy.json"), JSON.stringify(policy));
  await writeFile(join(dir, "programs", "vent.json"), JSON.stringify(program));

  const { out } = await imuctl(["--config", join(dir, "imud.yaml"), "--json", "status"]);

  expect(created.code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    factoryPolicy: { id: "bench", version: 1 },
    factoryPrograms: ["vent"],
    refusedPrograms: [],
  });
});

test("the README leads to every document", async () => {
  const readme = await readFile(join(PACKAGE_ROOT, "README.md"), "utf8");
  const files = (await readdir(join(PACKAGE_ROOT, "docs"))).filter((file) => file.endsWith(".md"));

  expect(files.filter((file) => !readme.includes(`(docs/${file})`))).toEqual([]);
});
