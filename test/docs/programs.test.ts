/** docs/programs.md: its tables are the product's; its programs build, verify, and do what they say. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import type { Json } from "../../firmware/core/json.ts";
import { generatedSections, withSections } from "../../tools/docs.ts";
import { imuctl, tempDir } from "../cli/support.ts";
import { documentText } from "./documents.ts";
import {
  answersJson,
  built,
  type Fence,
  fencesOf,
  marked,
  run,
  runMark,
  verified,
} from "./program-examples.ts";

const text = await documentText("programs.md");
const fences = fencesOf(text);
const isProgram = ({ language, marks }: Fence): boolean =>
  ["ts", "imu", "json"].includes(language) && !marks.includes("answers");
const programs = fences.filter(isProgram);
const refused = programs.filter((fence) => marked(fence, "refused").length > 0);
const accepted = programs.filter((fence) => !refused.includes(fence));
const named = (list: readonly Fence[]) => list.map((fence) => [`line ${fence.line}`, fence] as const);

test("the tables are those that the product works with", async () => {
  expect(withSections(text, (await generatedSections())["programs.md"])).toBe(text);
});

test("every fence and every mark is one that this test knows", () => {
  const marks = fences.flatMap((fence) => fence.marks.map((mark) => mark.split(/\s/)[0]));

  expect(fences).toHaveLength(text.split("\n").filter((line) => line.startsWith("```")).length / 2);
  expect([...new Set(fences.map(({ language }) => language))].sort()).toEqual(["", "imu", "json", "ts"]);
  expect([...new Set(marks)].sort()).toEqual(["answers", "refused", "run", "shows"]);
  expect(text.split(/^<!-- (?:answers|refused|run|shows)\b/m).length - 1).toBe(marks.length);
});

test("links inside the page, and into it, lead to a heading", async () => {
  const others = await Promise.all(["guide.md", "errors.md", "policy.md"].map(documentText));
  const links = [text, ...others].flatMap((page, i) => [
    ...page.matchAll(i === 0 ? /\]\(#([^)]+)\)/g : /\]\(programs\.md#([^)]+)\)/g),
  ]);
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
    (title ?? "").toLowerCase().replaceAll(" ", "-"),
  );

  expect(links.map(([, anchor]) => anchor).filter((anchor) => !anchors.includes(anchor ?? ""))).toEqual([]);
});

test.each(named(accepted))("the program at %s verifies without a warning", (_line, fence) => {
  expect(verified(fence).warnings).toEqual([]);
});

test.each(named(refused))("the program at %s is refused as its mark says", (_line, fence) => {
  expect(built(fence)).toEqual(marked(fence, "refused"));
});

const runs = accepted.flatMap((fence) =>
  marked(fence, "run").map((mark) => [`line ${fence.line}`, fence, runMark(mark)] as const),
);

test("examples are run, not only read", () => {
  const unrun = accepted.filter((fence) => marked(fence, "run").length === 0);

  expect(runs.length).toBeGreaterThanOrEqual(20);
  expect(unrun.map(({ line }) => line)).toEqual([]);
});

test.each(runs)("the program at %s calls and ends as its mark %# says", (_line, fence, mark) => {
  const { result, calls, replays } = run(verified(fence), mark);
  const { error, ended, outcome } = result;
  const end: Record<string, Json> = { ended, error: error && `${error.code}: ${error.reason}` };
  if (mark.end.body !== undefined) end.body = outcome.body;

  expect(calls.map(([capability]) => capability)).toEqual(mark.calls.map(({ capability }) => capability));
  for (const [i, [, args]] of calls.entries()) expect(args).toMatchObject(mark.calls[i]?.args ?? {});
  expect(end).toEqual({ error: null, ...mark.end });
  expect(replays).toBe(true);
});

interface Shown {
  readonly command: string;
  readonly fence: Fence;
  readonly source: string;
  readonly answers: readonly Json[];
}

/** Shown output with the program in front of it, and its answers: those of its first mark, or a block of its own. */
function shownOutput(): readonly Shown[] {
  const found: Shown[] = [];
  let [source, answers]: [string, readonly Json[]] = ["", []];
  for (const fence of fences) {
    const [mark] = marked(fence, "run");
    if (fence.language === "ts") {
      source = fence.text;
      answers = mark === undefined ? [] : answersJson(runMark(mark));
    }
    if (fence.marks.includes("answers")) answers = JSON.parse(fence.text) as readonly Json[];
    for (const command of marked(fence, "shows")) found.push({ command, fence, source, answers });
  }
  return found;
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");

/** Whether a printed line is the one that is shown; blanks do not count, … stands for anything. */
function isShown(shown: string, line: string): boolean {
  const parts = shown
    .trim()
    .split("…")
    .map((part) => escaped(part));
  return new RegExp(`^${parts.join(".*")}$`).test(line.trim());
}

test.each(shownOutput().map((one) => [one.command, one] as const))(
  "imuctl %s prints what the page shows",
  async (command, { fence, source, answers }) => {
    await using folder = await tempDir();
    const argv = command.split(" ");
    await writeFile(join(folder.path, argv.find((word) => word.endsWith(".ts")) ?? "program.ts"), source);
    await writeFile(join(folder.path, "answers.json"), JSON.stringify(answers));

    const { out, err } = await imuctl(argv, { cwd: folder.path, isTty: true });

    const real = `${out}\n${err}`.split("\n");
    let at = 0;
    for (const line of fence.text.split("\n").filter((one) => one.trim() !== "" && one.trim() !== "…")) {
      const found = real.findIndex((other, i) => i >= at && isShown(line, other));
      expect(found, `${line}\nis not in\n${real.join("\n")}`).toBeGreaterThanOrEqual(0);
      at = found + 1;
    }
  },
);

/** Rows of the table below a heading, as the code spans of each cell. */
function spansBelow(heading: string): readonly (readonly (readonly string[])[])[] {
  const section = text.slice(text.indexOf(`\n### ${heading}\n`) + 1).split(/\n#{2,4} /)[0] ?? "";
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.map((row) =>
    row
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) =>
        [...cell.matchAll(/(?<!`)(`+)([^`]|[^`][\s\S]*?[^`])\1(?!`)/g)].map(([, , code]) =>
          (code ?? "").replaceAll("\\|", "|").trim(),
        ),
      ),
  );
}

const IMPORTS =
  'import { asNumber, asText, bytes, evidence, evidenceOf, fail, faultOf, gpio, isArray, isObject, join, kv, respond, roundHalfEven, sensor, sleep, spawn, toNumber, toText, type Dictionary, type Json } from "imu"; export const program = { name: "t", version: "1.0.0" };';
const KNOWN = "interface Point { x: number } function add(a: number, b: number): number { return a + b; }";
const VALUES =
  'let n = 1; n += 1; let s = "s"; s += "t"; let b = n > 2; const list = [1, 2]; const j: Json = kv.get("j").value; const o: Dictionary<number> = {}; const p: Point | null = n > 5 ? null : { x: n };';

const problemsIn = (code: string): readonly (readonly string[])[] =>
  [
    `${IMPORTS} ${KNOWN} export function main(): void { ${VALUES}\n${code}\n}`,
    `${IMPORTS} ${KNOWN} export function main(): void {}\n${code}`,
  ].map((source) => {
    const result = built({ language: "ts", text: source });
    return "document" in result ? [] : result;
  });

const rows = spansBelow("What is refused").map((cells) => [cells[0]?.[0] ?? "", cells] as const);

test("the table of refusals is long", () => {
  expect(rows.length).toBeGreaterThanOrEqual(50);
});

test("every code of the TypeScript compiler is on the page", async () => {
  const folder = join(PACKAGE_ROOT, "firmware/authoring/typescript");
  const files = (await readdir(folder)).filter((file) => file.endsWith(".ts"));
  const sources = await Promise.all(files.map((file) => readFile(join(folder, file), "utf8")));
  const codes = new Set(sources.flatMap((source) => source.match(/(?<=")[a-z]+(?:_[a-z]+)+(?=")/g) ?? []));

  expect([...codes].filter((code) => !text.includes(`\`${code}\``))).toEqual([]);
});

test.each(rows)(
  "%s is refused with its code, and what to write instead is not",
  (_code, [wrong = [], codes = [], right = []]) => {
    for (const [i, code] of wrong.entries()) {
      const expected = codes.length === wrong.length ? codes[i] : codes[0];
      const places = problemsIn(code).map((problems) => [
        ...new Set(problems.map((one) => one.split(" ")[0])),
      ]);
      expect(places, code).toContainEqual([expected]);
    }
    for (const code of right) expect(problemsIn(code), code).toContainEqual([]);
  },
);
