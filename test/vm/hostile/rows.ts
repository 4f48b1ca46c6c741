/** One hostile program and what it must come to; builders for its instructions. */
import type { Json, JsonObject } from "../../../firmware/core/json.ts";
import type { Limits } from "../../../firmware/vm/index.ts";

export type Code = readonly JsonObject[];

export interface Row {
  readonly name: string;
  readonly code: Code;
  readonly limits?: Partial<Limits>;
  readonly constants?: JsonObject;
  readonly payload?: Json;
  /** The body of the reply, or the reason of the failure. */
  readonly body?: Json;
  readonly reason?: string;
}

export const push = (value: Json): JsonObject => ({ op: "PUSH", value });
export const store = (reg: string): JsonObject => ({ op: "STORE", reg });
export const label = (name: string): JsonObject => ({ op: "LABEL", name });
export const proven: JsonObject = { op: "EVIDENCE", claim: "ok" };
export const reply = (body: Json): Code => [proven, { op: "RESPOND", body }];
export const times = (n: number, make: (i: number) => JsonObject): JsonObject[] =>
  Array.from({ length: n }, (_, i) => make(i));
export const each = (n: number, make: (i: number) => Code): JsonObject[] =>
  Array.from({ length: n }, (_, i) => make(i)).flat();
/** What an expression of the stack comes to. */
export const value = (name: string, code: Code, body: Json): Row => ({
  name,
  code: [...code, store("x"), ...reply("reg:x")],
  body,
});
