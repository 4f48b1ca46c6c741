/** The programs of the examples are what the compiler makes of their sources, and editors see the same types. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadTypeScript } from "../../../firmware/authoring/typescript/index.ts";
import { ResourceRequired } from "../../../firmware/core/resource-required.ts";
import { EXAMPLES, programFiles, programsOf } from "../../../tools/examples.ts";
import { typescript } from "./support.ts";

const built = await Promise.all(
  EXAMPLES.map(async (example) => [example, await programFiles(programsOf(example))] as const),
);

describe.each(built)("the %s", (example, files) => {
  test.each([...files])("%s is current", (name, text) => {
    expect(readFileSync(join(programsOf(example), name), "utf8")).toBe(text);
  });

  test("its sources have no type error for an editor", () => {
    const path = `examples/${example}/tsconfig.json`;
    const { config } = typescript.readConfigFile(path, (file) => readFileSync(file, "utf8"));
    const { fileNames, options } = typescript.parseJsonConfigFileContent(
      config,
      typescript.sys,
      `examples/${example}`,
    );
    const program = typescript.createProgram(fileNames, options);

    // Every source and the declarations.
    expect(fileNames.length).toBe(files.size);
    expect(typescript.getPreEmitDiagnostics(program).map(({ messageText }) => messageText)).toEqual([]);
  });
});

describe("a device without TypeScript", () => {
  test("says what to install", async () => {
    const missing = loadTypeScript(() => Promise.reject(new Error("Cannot find package 'typescript'")));

    await expect(missing).rejects.toThrow(ResourceRequired);
    await expect(missing).rejects.toMatchObject({
      code: "resource_required",
      requirement: { resource: "module:typescript", commands: ["npm install typescript@5"] },
    });
  });
});
