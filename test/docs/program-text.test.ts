/** docs/program-text.md: its programs verify and do what their marks say, its tables show what the parser reads. */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { parseText, printText } from "../../firmware/authoring/text/index.ts";
import { readAnswers } from "../../firmware/cli/answers-file.ts";
import { virtualRun } from "../../firmware/cli/virtual-run.ts";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import { detachedRegistry } from "../../firmware/composition/state-capabilities.ts";
import { plainJson } from "../../firmware/composition/state-params.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { capabilityView } from "../../firmware/runs/index.ts";
import { type ProgramDocument, TIER_LIMITS, verifyProgram } from "../../firmware/vm/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { documentText } from "./documents.ts";

const text = await documentText("program-text.md");
const view = capabilityView(
  await detachedRegistry({ clock: new ManualClock(), entropy: new SystemEntropy() }),
);

const examples = [...text.matchAll(/<!-- run (\{.*\}) -->\n```imu\n([\s\S]*?)```/g)].map(
  ([, mark, source]) => [JSON.parse(mark ?? "") as JsonObject, source ?? ""] as const,
);

function run(document: ProgramDocument, payload: Json, answers: readonly Json[]) {
  const program = verifyProgram(plainJson(document), view);
  if (!program.ok) throw new Error(JSON.stringify(program.issues));
  expect(program.warnings).toEqual([]);
  return virtualRun(program, {
    payload,
    trigger: { kind: "command" },
    limits: TIER_LIMITS.medium,
    answers: readAnswers(answers.map((result) => ({ result }))),
    observe: () => undefined,
  }).result;
}

test("every program of the page is marked", () => {
  expect(examples).toHaveLength(text.split("```imu").length - 1);
  expect(examples.length).toBeGreaterThanOrEqual(2);
});

test.each(examples)("the program marked %j answers so, and is read back from its print", (mark, source) => {
  const built = parseText({ file: "docs.imu", text: source });
  if (!built.ok) throw new Error(JSON.stringify(built.diagnostics));
  const answers = Array.isArray(mark.answers) ? (mark.answers as readonly Json[]) : [];

  expect(run(built.document, mark.payload ?? {}, answers).outcome.body).toEqual(mark.body);
  const again = parseText({ file: "again.imu", text: printText(built.document) });
  expect(again.ok && canonicalize(again.document)).toBe(canonicalize(built.document));
});

/** Code spans of the first column between two headings. */
function written(from: string, to: string): readonly string[] {
  const section = text.slice(text.indexOf(from), text.indexOf(to));
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((row) =>
    [...(row.split(" | ")[0] ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? ""),
  );
}

const isRead = (source: string): boolean => parseText({ file: "t.imu", text: source }).ok;
const HEAD = ".program t\n.version 1.0.0\n";

test.each(written("### Directives", "### Instructions"))("the directive %s is read", (line) => {
  const rest = HEAD.split("\n").filter((other) => !line.startsWith(other.split(" ")[0] ?? ""));

  expect(isRead(`${line.replace("{ … }", "{}")}\n${rest.join("\n")}\nHALT`)).toBe(true);
});

test.each(written("### Instructions", "### Values").filter((line) => line !== "end"))(
  "the instruction %s is read",
  (line) => {
    expect(isRead(`${HEAD}${line}\n${line.endsWith("begin") ? "HALT\nend\n" : ""}`)).toBe(true);
  },
);

test.each(written("### Values", "### What is wrong"))("the value %s is read", (value) => {
  expect(isRead(`${HEAD}PUSH ${value}`)).toBe(true);
});

test("the builder's example builds what it says", async () => {
  const source = /```ts\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const file = join(PACKAGE_ROOT, "test", `.program-text-${process.pid}.ts`);
  await writeFile(file, source);
  try {
    const { document } = (await import(file)) as { readonly document: ProgramDocument };
    expect(run(document, { a: 2 }, []).outcome.body).toEqual({ sum: 16 });
  } finally {
    await rm(file);
  }
});
