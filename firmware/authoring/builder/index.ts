/** Programs made by code. */
export type { BodyCode, FunctionCode, FunctionHandle, MainCode } from "./code-types.ts";
export { type BuilderCode, BuilderError } from "./errors.ts";
export type { FieldsOf, PackField } from "./fields.ts";
export { type BuiltProgram, type Header, type ProgramBuilder, program } from "./program.ts";
export { Label } from "./unit.ts";
export { type Operand, Reference, Register } from "./values.ts";
