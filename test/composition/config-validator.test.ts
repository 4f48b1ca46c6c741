import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { configValidatorText } from "../../tools/config-validator.ts";

test("the generated check is the one of this schema; npx tsx tools/config-validator.ts writes it anew", async () => {
  const file = new URL("../../firmware/composition/config-validator.ts", import.meta.url);

  expect(await readFile(file, "utf8")).toBe(configValidatorText());
});
