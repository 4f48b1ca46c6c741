import { readFile } from "node:fs/promises";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { changed, ROOT } from "./copy.ts";
import { PLANTED_FAULTS } from "./faults.ts";

describe("planted faults", () => {
  it.each(PLANTED_FAULTS.map((fault) => [fault.name, fault] as const))(
    "%s still has its place in the source and leaves a file that parses",
    async (_name, { changes }) => {
      const texts = new Map<string, string>();
      for (const change of changes) {
        const before = texts.get(change.file) ?? (await readFile(join(ROOT, change.file), "utf8"));
        texts.set(change.file, changed(before, change));
      }
      for (const [file, text] of texts) {
        const { diagnostics } = ts.transpileModule(text, { fileName: file, reportDiagnostics: true });
        expect(diagnostics ?? []).toEqual([]);
      }
    },
  );

  it("have names of their own", () => {
    expect(new Set(PLANTED_FAULTS.map(({ name }) => name)).size).toBe(PLANTED_FAULTS.length);
  });
});
