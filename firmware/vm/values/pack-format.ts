/** The format lists of PACK and UNPACK (vm.md 4.1). */
import { PROGRAM_LIMITS } from "../../core/limits.ts";
export type PackField =
  | { readonly kind: "int"; readonly size: 1 | 2 | 3 | 4; readonly signed: boolean; readonly little: boolean }
  | { readonly kind: "float"; readonly size: 4 | 8; readonly little: boolean }
  | { readonly kind: "bytes"; readonly size: number }
  | { readonly kind: "pad"; readonly size: number }
  | { readonly kind: "rest"; readonly size: 0 };

const INTEGER = /^([ui])(?:8|(16|24|32)(be|le))$/;
const FLOAT = /^f(32|64)(be|le)$/;
const RUN = /^(bytes|pad):([1-9][0-9]{0,3})$/;

function field(text: string): PackField | null {
  if (text === "rest") return { kind: "rest", size: 0 };
  const integer = INTEGER.exec(text);
  if (integer) {
    const size = (integer[2] === undefined ? 1 : Number(integer[2]) / 8) as 1 | 2 | 3 | 4;
    return { kind: "int", size, signed: integer[1] === "i", little: integer[3] === "le" };
  }
  const float = FLOAT.exec(text);
  if (float) return { kind: "float", size: float[1] === "32" ? 4 : 8, little: float[2] === "le" };
  const run = RUN.exec(text);
  const size = Number(run?.[2]);
  if (!run || size > 4096) return null;
  return { kind: run[1] === "pad" ? "pad" : "bytes", size };
}

/** At most 64 fields, `rest` last only; null for anything else (`bad_format`). */
export function parsePackFormat(value: unknown): readonly PackField[] | null {
  if (!Array.isArray(value) || value.length === 0 || value.length > PROGRAM_LIMITS.packFields) return null;
  const fields: PackField[] = [];
  for (const [i, text] of value.entries()) {
    const parsed = typeof text === "string" ? field(text) : null;
    if (parsed === null || (parsed.kind === "rest" && i !== value.length - 1)) return null;
    fields.push(parsed);
  }
  return fields;
}
