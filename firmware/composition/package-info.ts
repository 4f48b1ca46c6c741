/** The version of this package and where the greenhouse example lies in it. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The nearest folder above this file that holds the package: the same for sources and for compiled output. */
function packageRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, "package.json")) && existsSync(join(folder, "examples"))) return folder;
    if (folder === dirname(folder)) throw new Error("the package's own folder was not found");
  }
}

export const PACKAGE_ROOT = packageRoot();

const manifest = JSON.parse(readFileSync(join(PACKAGE_ROOT, "package.json"), "utf8")) as {
  readonly version: string;
};

/** Semantic version of imud. */
export const VERSION = manifest.version;
/** Policy template and programs of the greenhouse example. */
export const GREENHOUSE = join(PACKAGE_ROOT, "examples", "greenhouse");
