/** All targets by name. */
import type { Target } from "../target.ts";
import { loader } from "./loader.ts";
import { text } from "./text.ts";
import { verifier } from "./verifier.ts";

/** Made when asked for: a target may have to load a compiler. */
export const TARGETS: ReadonlyMap<string, () => Promise<Target>> = new Map([
  ["loader", async () => loader],
  ["verifier", async () => verifier],
  ["text", async () => text],
  ["typescript", async () => (await import("./typescript.ts")).typescript],
]);

export async function targetOf(name: string): Promise<Target> {
  const make = TARGETS.get(name);
  if (make === undefined)
    throw new Error(`There is no target ${name}; there are ${[...TARGETS.keys()].join(", ")}.`);
  return make();
}
