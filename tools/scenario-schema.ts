/**
 * Writes docs/schema/scenario.schema.json, the schema of scenario files for editors, from sim/scenario/schema.ts.
 * A test compares.
 *
 *     npx tsx tools/scenario-schema.ts
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { SCENARIO_SCHEMA } from "../sim/scenario/schema.ts";

export const PUBLISHED = new URL("../docs/schema/scenario.schema.json", import.meta.url);

/** The schema as it is published. */
export function publishedSchemaText(): string {
  const document = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title: "A scenario of the imud simulator",
    ...SCENARIO_SCHEMA,
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await writeFile(PUBLISHED, publishedSchemaText());
