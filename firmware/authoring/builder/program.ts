/**
 * Programs made by code: `program({ name, version }).code((b) => { … })` gives the document. Fields, capabilities and
 * constants are checked by the compiler; what it cannot see (a label that is jumped to and nowhere placed, a register
 * of another function) is a BuilderError.
 */
import type { JsonObject } from "../../core/json.ts";
import type { ProgramDocument } from "../../vm/index.ts";
import type { BuildResult } from "../types.ts";
import { mainCode } from "./code.ts";
import type { MainCode } from "./code-types.ts";
import { Frame } from "./frame.ts";
import { UnitDraft } from "./unit.ts";
import { plain } from "./values.ts";

/** Everything of the document but its code; format and instruction set are filled in. */
export type Header = Omit<ProgramDocument, "format" | "isa" | "code">;

/** The document; a builder has no lines of a source, so `origins` is empty. Whether it verifies is the verifier's to say. */
export type BuiltProgram = Extract<BuildResult, { readonly ok: true }>;

export interface ProgramBuilder<H extends Header> {
  /** @throws BuilderError for a mistake of the callback. */
  code(write: (b: MainCode<H>) => void): BuiltProgram;
}

const isDocument = (value: JsonObject): value is JsonObject & ProgramDocument =>
  typeof value.name === "string" && typeof value.version === "string" && Array.isArray(value.code);

export function program<const H extends Header>(header: H): ProgramBuilder<H> {
  return {
    code(write) {
      const unit = new UnitDraft();
      write(mainCode<H>(new Frame(unit, null)));
      const document: JsonObject = {
        format: "imu.program/1",
        ...(plain(header) as JsonObject),
        isa: 1,
        code: unit.finish(),
      };
      if (!isDocument(document)) throw new Error("The header's type has a name and a version.");
      return { ok: true, document, origins: [] };
    },
  };
}
