/** The methods with which a program is written, as types: one for each instruction, and helpers for structure. */
import type { Json } from "../../core/json.ts";
import type { FieldOp, FieldsOf, MethodName, PlainOp } from "./fields.ts";
import type { Bindings } from "./frame.ts";
import type { Header } from "./program.ts";
import type { Label } from "./unit.ts";
import type { Operand, Reference, Register } from "./values.ts";

type Capability<H extends Header> = H extends { readonly capabilities: readonly (infer C extends string)[] }
  ? C
  : never;
type Constant<H extends Header> = H extends { readonly constants: infer C } ? keyof C & string : never;

/** A function of this program with the names of its parameters. */
export interface FunctionHandle<P extends string = string> {
  readonly name: string;
  readonly params: readonly P[];
}

export type PlainMethods = { readonly [K in PlainOp as MethodName<K>]: () => void };
export type FieldMethods = { readonly [K in FieldOp as MethodName<K>]: (fields: FieldsOf<K>) => void };

/** Operands. */
export interface Values<H extends Header> {
  /** A register of this frame. */
  reg(name: string): Register;
  /** The payload, or one member of it. */
  payload(key?: string): Reference;
  trigger(key?: string): Reference;
  /** RFC 6901 pointer into the payload, for example `/a/0`. */
  pointer(path: string): Reference;
  constant(name: Constant<H>): Reference;
  /** JSON as it stands, without references inside. */
  lit(json: Json): Reference;
}

export interface Instructions<H extends Header> {
  push(value: Operand): void;
  /** Pops into a register and gives its handle. */
  store(register: Register | string): Register;
  load(register: Register | string): void;
  /** A capability of the header with named arguments; pushes its result. */
  cap(name: Capability<H>, args?: Bindings, evidence?: Register | string): void;
  /** The same with positional arguments; texts are text. */
  call(name: Capability<H>, args?: readonly Operand[], evidence?: Register | string): void;
  respond(status?: number, body?: Operand): void;
  /** The note of the next instruction. */
  note(text: string): void;
}

/** Structure inside of one frame. */
export interface Structure<H extends Header> {
  /** A label of this frame. If something jumps to it, it must be placed. */
  label(name?: string): Label;
  place(label: Label): void;
  jump(label: Label): void;
  jz(label: Label): void;
  jnz(label: Label): void;
  /** Pops a value; both ways must leave the same depth of stack. */
  if(then: () => void, otherwise?: () => void): void;
  /** `condition` leaves one value; `body` leaves the stack as it was. */
  while(condition: () => void, body: (exit: Label) => void): void;
  /** Runs `handler` with the error object on the stack if `body` fails. */
  try(body: () => void, handler: () => void): void;
  callf<P extends string>(fn: FunctionHandle<P>, args: { readonly [K in P]: Operand }): void;
  /** Starts a task with a body of its own; gives the register that holds its handle. */
  spawn(as: Register | string, body: (task: BodyCode<H>) => void, args?: Bindings): Register;
  /** Starts a function as a task. */
  spawnf<P extends string>(
    as: Register | string,
    fn: FunctionHandle<P>,
    args: { readonly [K in P]: Operand },
  ): Register;
}

/** In a body of a SPAWN. */
export type BodyCode<H extends Header> = PlainMethods &
  FieldMethods &
  Values<H> &
  Instructions<H> &
  Structure<H>;
/** In a function, which can return. */
export type FunctionCode<H extends Header> = BodyCode<H> & { ret(value?: Operand): void };
/** In the main list, which holds the functions. */
export type MainCode<H extends Header> = BodyCode<H> & {
  func<const P extends string>(
    name: string,
    params: readonly P[],
    body: (code: FunctionCode<H>, params: { readonly [K in P]: Register }, self: FunctionHandle<P>) => void,
  ): FunctionHandle<P>;
};
