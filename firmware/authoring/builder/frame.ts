/** Emits instructions of one frame: fields become JSON, handles are checked to belong here. */
import type { Json } from "../../core/json.ts";
import { type FieldKind, fieldKind, instructionSpec, type OpName } from "../../vm/index.ts";
import { BuilderError } from "./errors.ts";
import { Label, type UnitDraft } from "./unit.ts";
import { type FrameOwner, type Operand, operandJson, plain, Register, registerIn } from "./values.ts";

export type Bindings = { readonly [name: string]: Operand };
export type CallArgs = readonly Operand[] | { readonly [name: string]: Operand };

const isList = (args: CallArgs): args is readonly Operand[] => Array.isArray(args);

export class Frame implements FrameOwner {
  readonly unit: UnitDraft;
  readonly fn: string | null;
  #note: string | null = null;

  constructor(unit: UnitDraft, fn: string | null) {
    this.unit = unit;
    this.fn = fn;
  }

  note(text: string): void {
    this.#note = text;
  }

  /** @param entries fields in order; undefined leaves one out, a Label becomes its name. */
  emit(
    op: OpName,
    entries: readonly (readonly [field: string, value: Json | Label | undefined])[] = [],
  ): void {
    this.unit.open ??= this;
    if (this.unit.open !== this) {
      const message = `${op} would land in another function.`;
      throw new BuilderError("wrong_frame", message, "use the builder that the function's callback got.");
    }
    const note = this.#note;
    this.#note = null;
    this.unit.add((nameOf) => {
      const fields = entries.flatMap(([field, value]): (readonly [string, Json])[] => {
        if (value === undefined) return [];
        return [[field, value instanceof Label ? nameOf(value) : value]];
      });
      return Object.fromEntries([["op", op], ...fields, ...(note === null ? [] : [["note", note] as const])]);
    });
  }

  /** Fields of the types that `FieldsOf` gives them. */
  emitFields(op: OpName, fields: { readonly [field: string]: unknown }): void {
    const spec = instructionSpec(op);
    if (spec === undefined) return;
    const entries = Object.keys(spec.fields).map((field): readonly [string, Json | undefined] => {
      const value = Object.hasOwn(fields, field) ? fields[field] : undefined;
      return [field, value === undefined ? undefined : this.#field(fieldKind(spec, field), value)];
    });
    this.emit(op, entries);
  }

  #field(kind: FieldKind | null, value: unknown): Json {
    switch (kind) {
      case "operand":
      case "millis":
        return this.operand(value as Operand);
      case "register":
        return this.register(value as Register | string).name;
      case "call_args":
      case "named_args":
        return this.args(value as CallArgs);
      default:
        return plain(value);
    }
  }

  operand(value: Operand): Json {
    return operandJson(value, this);
  }

  register(register: Register | string): Register {
    const handle = typeof register === "string" ? new Register(register, this) : register;
    registerIn(handle, this);
    return handle;
  }

  /** Positional texts are text references to the machine; here they are text like everywhere else. */
  args(args: CallArgs): Json {
    if (isList(args)) {
      return args.map((item) => (typeof item === "string" ? { lit: item } : this.operand(item)));
    }
    return Object.fromEntries(Object.entries(args).map(([name, item]) => [name, this.operand(item)]));
  }

  bindings(args: Bindings): Json {
    return Object.entries(args).map(([to, value]) => ({ to, value: this.operand(value) }));
  }

  /** The label as a target of a jump of this frame. @throws BuilderError `wrong_frame`. */
  target(label: Label): Label {
    this.#own(label);
    label.isUsed = true;
    return label;
  }

  /** @throws BuilderError `wrong_frame`, `label_placed_twice`. */
  place(label: Label): void {
    this.#own(label);
    if (label.isPlaced) {
      const message = `The label ${label.wanted ?? "without a name"} stands here already.`;
      throw new BuilderError("label_placed_twice", message, "make one label for each place.");
    }
    label.isPlaced = true;
    this.emit("LABEL", [["name", label]]);
  }

  #own(label: Label): void {
    if (label.owner === this) return;
    const message = `The label ${label.wanted ?? "without a name"} belongs to another function or body.`;
    throw new BuilderError("wrong_frame", message, "a jump stays in its function or body.");
  }
}
