/** Short hands for writing program documents; a list of instructions may hold lists. */
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";

export type Code = readonly (JsonObject | Code)[];

export const op = (name: string, fields: JsonObject = {}): JsonObject => ({ op: name, ...fields });
export const push = (...values: readonly Json[]): Code => values.map((value) => op("PUSH", { value }));
export const store = (reg: string): JsonObject => op("STORE", { reg });
export const label = (name: string): JsonObject => op("LABEL", { name });
export const jump = (to: string): JsonObject => op("JUMP", { label: to });
export const jz = (to: string): JsonObject => op("JZ", { label: to });
export const jnz = (to: string): JsonObject => op("JNZ", { label: to });
/** reg := value */
export const set = (reg: string, value: Json): Code => [push(value), store(reg)];
/** reg := a (op) b */
export const compute = (reg: string, name: string, a: Json, b: Json): Code => [
  push(a, b),
  op(name),
  store(reg),
];
/** reg := reg + 1 */
export const increment = (reg: string): Code => compute(reg, "ADD", `reg:${reg}`, 1);

/** The usual counting loop, tested at its end: for (reg = 0; reg < end; reg++) body. */
export const countTo = (reg: string, end: Json, body: Code): Code => [
  set(reg, 0),
  jump(`${reg}_test`),
  label(`${reg}_body`),
  body,
  increment(reg),
  label(`${reg}_test`),
  push(`reg:${reg}`, end),
  op("LT"),
  jnz(`${reg}_body`),
];

const isCode = (item: JsonObject | Code): item is Code => Array.isArray(item);
const flat = (code: Code): JsonObject[] => code.flatMap((item) => (isCode(item) ? flat(item) : [item]));

export const program = (name: string, code: Code, more: JsonObject = {}): JsonObject => ({
  format: "imu.program/1",
  name,
  version: "1.0.0",
  isa: 1,
  ...more,
  code: flat(code),
});
