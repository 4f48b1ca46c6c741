/** The lists of instructions of a verified document by their paths: `code`, and `code/<i>/body` for bodies (vm.md 6). */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { ProgramDocument } from "../vm/index.ts";

export type Units = ReadonlyMap<string, readonly JsonObject[]>;

/** Bodies nest at most four deep in a verified document, so the recursion is bounded. */
export function unitsOf(document: ProgramDocument): Units {
  const units = new Map<string, readonly JsonObject[]>();
  const visit = (path: string, code: readonly unknown[]): void => {
    const list = code.filter((instr): instr is JsonObject => isJsonObject(instr));
    units.set(path, list);
    for (const [index, { op, body }] of list.entries()) {
      if (op === "SPAWN" && Array.isArray(body)) visit(`${path}/${index}/body`, body as readonly Json[]);
    }
  };
  visit("code", document.code);
  return units;
}

/** The nearest label at or above an instruction, in its function; null if there is none. */
export function labelsOf(list: readonly JsonObject[]): readonly (string | null)[] {
  let label: string | null = null;
  return list.map(({ op, name }) => {
    if (op === "LABEL" && typeof name === "string") label = name;
    else if (op === "FUNC") label = null;
    const here = label;
    if (op === "ENDFUNC") label = null;
    return here;
  });
}
