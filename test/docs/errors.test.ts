/** docs/errors.md: every code that the product makes is explained, and nothing that it cannot make. */
import { expect, test } from "vitest";
import { scanSources } from "./codes.ts";
import { documentText } from "./documents.ts";

/** The first cells of the tables, where codes stand. */
async function documented(): Promise<readonly string[]> {
  const rows = (await documentText("errors.md")).split("\n").filter((line) => line.startsWith("| `"));
  return rows.flatMap((line) =>
    [...(line.split(" | ")[0] ?? "").matchAll(/`([a-z0-9_]+)`/g)].map((match) => match[1] ?? ""),
  );
}

test("every code that the source makes is documented", async () => {
  const known = new Set(await documented());
  const { made } = scanSources();
  expect(made.length).toBeGreaterThan(400);

  const missing = made.filter(({ code }) => !known.has(code)).map(({ code, file }) => `${code} (${file})`);

  expect([...new Set(missing)].sort()).toEqual([]);
});

test("every documented code stands in the source", async () => {
  const { words } = scanSources();

  expect((await documented()).filter((code) => !words.has(code))).toEqual([]);
});

test("no code is explained twice", async () => {
  const codes = await documented();

  expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
});
