/** The inputs kept in the repository: few, small, and together as interesting as all that were ever found. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "./target.ts";

const here = dirname(fileURLToPath(import.meta.url));
export const MAX_CORPUS_FILES = 60;
export const MAX_CORPUS_BYTES = 2048;

export interface Entry {
  readonly input: Uint8Array;
  readonly features: readonly string[];
}

const folderOf = (target: Target): string => join(here, "corpus", target.name);
/** No extension that a formatter or compiler would open. */
const nameOf = (input: Uint8Array): string =>
  `${createHash("sha256").update(input).digest("hex").slice(0, 12)}.input`;

export function loadCorpus(target: Target): readonly { readonly name: string; readonly input: Uint8Array }[] {
  const folder = folderOf(target);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder)
    .sort()
    .map((name) => ({ name, input: new Uint8Array(readFileSync(join(folder, name))) }));
}

/** The fewest small inputs that still show what all of them show: each time the one that adds most. */
export function distilled(entries: readonly Entry[]): readonly Entry[] {
  const kept: Entry[] = [];
  const seen = new Set<string>();
  const open = entries.filter(({ input }) => input.length <= MAX_CORPUS_BYTES);
  const added = ({ features }: Entry): number => features.filter((feature) => !seen.has(feature)).length;
  while (kept.length < MAX_CORPUS_FILES) {
    const [best] = [...open].sort((a, b) => added(b) - added(a) || a.input.length - b.input.length);
    if (best === undefined || added(best) === 0) break;
    for (const feature of best.features) seen.add(feature);
    kept.push(best);
  }
  return kept;
}

/** Writes the new corpus and removes what is no longer part of it. */
export function saveCorpus(target: Target, entries: readonly Entry[]): void {
  const folder = folderOf(target);
  const names = new Set(entries.map(({ input }) => nameOf(input)));
  for (const { name } of loadCorpus(target)) if (!names.has(name)) rmSync(join(folder, name));
  for (const { input } of entries) writeFileSync(join(folder, nameOf(input)), input);
}

/** Inputs that broke a law, until they are corrected and move to the corpus. */
export function saveFailure(target: Target, input: Uint8Array): string {
  const folder = join(here, "failures", target.name);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, nameOf(input));
  writeFileSync(path, input);
  return path;
}
