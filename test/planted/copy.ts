/** A copy of the source tree with one fault in it. */
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Change, PlantedFault } from "./fault.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["firmware", "sim", "ota", "drivers", "boards", "examples", "package.json", "tsconfig.json"];

/** The text with the change made. @throws Error unless the text to be changed is there exactly once. */
export function changed(text: string, { file, find, replace }: Change): string {
  const parts = text.split(find);
  if (parts.length === 2) return parts.join(replace);
  throw new Error(`${file}: the text to be changed is there ${parts.length - 1} times: ${find.slice(0, 80)}`);
}

/** A folder of its own, gone when it is disposed. */
export class FaultyCopy implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async of(fault: PlantedFault): Promise<FaultyCopy> {
    const copy = new FaultyCopy(await mkdtemp(join(tmpdir(), "imu-planted-")));
    for (const name of COPIED) await cp(join(ROOT, name), join(copy.folder, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(copy.folder, "node_modules"));
    for (const change of fault.changes) {
      const path = join(copy.folder, change.file);
      await writeFile(path, changed(await readFile(path, "utf8"), change));
    }
    return copy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}
