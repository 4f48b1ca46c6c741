/** The programs of the greenhouse are what the compiler makes of their sources, and editors see the same types. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadTypeScript } from "../../../firmware/authoring/typescript/index.ts";
import { ResourceRequired } from "../../../firmware/core/resource-required.ts";
import { GREENHOUSE_PROGRAMS, greenhouseFiles } from "../../../tools/greenhouse.ts";
import { typescript } from "./support.ts";

const files = await greenhouseFiles();

describe("the greenhouse", () => {
  test.each([...files])("%s is current", (name, text) => {
    expect(readFileSync(join(GREENHOUSE_PROGRAMS, name), "utf8")).toBe(text);
  });

  test("its sources have no type error for an editor", () => {
    const path = "examples/greenhouse/tsconfig.json";
    const { config } = typescript.readConfigFile(path, (file) => readFileSync(file, "utf8"));
    const { fileNames, options } = typescript.parseJsonConfigFileContent(
      config,
      typescript.sys,
      "examples/greenhouse",
    );
    const program = typescript.createProgram(fileNames, options);

    expect(fileNames.length).toBe(4);
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
