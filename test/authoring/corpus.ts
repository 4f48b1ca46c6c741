/** Documents that exist: the programs of the greenhouse and those of the published vectors. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import type { ProgramDocument } from "../../firmware/vm/index.ts";

interface VectorCase {
  readonly id: string;
  readonly given: { readonly program?: ProgramDocument; readonly instr?: ProgramDocument["code"][number] };
}

const read = (path: string): unknown => JSON.parse(readFileSync(join(PACKAGE_ROOT, path), "utf8"));

const folder = "examples/greenhouse/programs";
export const EXAMPLES: readonly (readonly [string, ProgramDocument])[] = readdirSync(
  join(PACKAGE_ROOT, folder),
)
  .filter((name) => name.endsWith(".json"))
  .map((name) => [name, read(join(folder, name)) as ProgramDocument]);

const { cases } = read("test/golden/vectors/vm.json") as { readonly cases: readonly VectorCase[] };

/** Whole programs, and single instructions wrapped in one. */
export const VECTORS: readonly (readonly [string, ProgramDocument])[] = cases.flatMap(({ id, given }) => {
  if (given.program !== undefined) return [[id, given.program] as const];
  if (given.instr === undefined) return [];
  const code = [given.instr, { op: "HALT" }];
  return [[id, { format: "imu.program/1", name: "t", version: "1.0.0", isa: 1, code }] as const];
});
