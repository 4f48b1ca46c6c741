/**
 * The programs of the greenhouse: compiled from TypeScript, and the declarations that editors check them with.
 * `npx tsx tools/greenhouse.ts` writes them; a test compares.
 */
import { readFileSync, writeFileSync } from "node:fs";
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

export const GREENHOUSE_PROGRAMS = "examples/greenhouse/programs";
const NAMES = ["climate", "door-alarm", "irrigation"];

/** What the files of the folder should hold, by name. @throws Error with the diagnostics of a program. */
export async function greenhouseFiles(): Promise<ReadonlyMap<string, string>> {
  const entropy = new SystemEntropy();
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => false });
  const registry = await detachedRegistry({ clock, entropy });
  const contracts = registry.contracts();
  const options = { typescript: await loadTypeScript(), contracts, view: capabilityView(registry) };
  const files = new Map([["imu.d.ts", programDeclarations(contracts)]]);
  for (const name of NAMES) {
    const file = `${name}.ts`;
    const built = compileTypeScript(
      { file, text: readFileSync(join(GREENHOUSE_PROGRAMS, file), "utf8") },
      options,
    );
    if (!built.ok) throw new Error(JSON.stringify(built.diagnostics, null, 2));
    files.set(`${name}.json`, formatDocument(built.document).text);
  }
  return files;
}

if (process.argv[1]?.endsWith("greenhouse.ts")) {
  for (const [name, text] of await greenhouseFiles()) writeFileSync(join(GREENHOUSE_PROGRAMS, name), text);
}
