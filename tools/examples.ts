/**
 * The programs of the examples: compiled from TypeScript, and the declarations that editors check them with.
 * `npx tsx tools/examples.ts` writes them; tests compare.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SystemClock } from "../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../firmware/adapters/system-entropy.ts";
import { formatDocument } from "../firmware/authoring/format-document.ts";
import {
  compileTypeScript,
  loadTypeScript,
  programDeclarations,
} from "../firmware/authoring/typescript/index.ts";
import { detachedRegistry } from "../firmware/composition/state-capabilities.ts";
import { capabilityView } from "../firmware/runs/index.ts";

/** Each with `policy.json` and a folder of programs. */
export const EXAMPLES = ["greenhouse", "tank", "cold-room"] as const;

export const programsOf = (example: string): string => join("examples", example, "programs");

/** What the files of a folder of programs should hold, by name. @throws Error with the diagnostics of a program. */
export async function programFiles(folder: string): Promise<ReadonlyMap<string, string>> {
  const entropy = new SystemEntropy();
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => false });
  const registry = await detachedRegistry({ clock, entropy });
  const contracts = registry.contracts();
  const options = { typescript: await loadTypeScript(), contracts, view: capabilityView(registry) };
  const files = new Map([["imu.d.ts", programDeclarations(contracts)]]);
  const sources = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"));
  for (const file of sources.sort()) {
    const built = compileTypeScript({ file, text: readFileSync(join(folder, file), "utf8") }, options);
    if (!built.ok) throw new Error(JSON.stringify(built.diagnostics, null, 2));
    files.set(file.replace(/\.ts$/, ".json"), formatDocument(built.document).text);
  }
  return files;
}

if (process.argv[1]?.endsWith("examples.ts")) {
  for (const example of EXAMPLES)
    for (const [name, text] of await programFiles(programsOf(example)))
      writeFileSync(join(programsOf(example), name), text);
}
