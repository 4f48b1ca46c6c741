/** The instructions of one function while they are made: places are objects until everything stands. */
import type { Json } from "../../core/json.ts";
import type { SourcePosition } from "../types.ts";

/** A place in the code. Identity is all it has. */
export class Label {
  readonly kind = "label";
}

export interface Operation {
  readonly kind: "operation";
  readonly op: string;
  readonly fields: Readonly<Record<string, Json>>;
  /** Where JUMP, JZ and JNZ lead, and the handler of TRY. */
  readonly target: Label | null;
  readonly position: SourcePosition;
}

export type Item = Label | Operation;

export type Fields = Readonly<Record<string, Json>>;

export const operation = (
  op: string,
  position: SourcePosition,
  fields: Fields = {},
  target: Label | null = null,
): Operation => ({ kind: "operation", op, fields, target, position });
