/** The methods with which a program is written; their types are in `code-types.ts`. */
import { INSTRUCTION_NAMES, type OpName } from "../../vm/index.ts";
import type {
  BodyCode,
  FieldMethods,
  FunctionCode,
  Instructions,
  MainCode,
  PlainMethods,
  Structure,
  Values,
} from "./code-types.ts";
import { BuilderError } from "./errors.ts";
import { Frame } from "./frame.ts";
import type { Header } from "./program.ts";
import { UnitDraft } from "./unit.ts";
import { type Operand, plain, Reference, Register } from "./values.ts";

const camel = (op: string): string =>
  op.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());

const isOp = (name: string): name is OpName => INSTRUCTION_NAMES.includes(name);

/** A method for every instruction by its fields; those with a better one are overwritten. */
function methodsOf(frame: Frame): PlainMethods & FieldMethods {
  const methods = INSTRUCTION_NAMES.filter(isOp).map((op) => [
    camel(op),
    (fields: { readonly [field: string]: unknown } = {}) => frame.emitFields(op, fields),
  ]);
  return Object.fromEntries(methods) as PlainMethods & FieldMethods;
}

const input = (of: "payload" | "trigger", key: string | undefined): Reference =>
  new Reference(key === undefined ? `$.${of}` : `$.${of}.${key}`);

const valuesOf = (frame: Frame): Values<Header> => ({
  reg: (name) => new Register(name, frame),
  payload: (key) => input("payload", key),
  trigger: (key) => input("trigger", key),
  pointer: (path) => new Reference({ payload: path }),
  constant: (name) => new Reference(`const:${String(name)}`),
  lit: (json) => new Reference({ lit: plain(json) }),
});

function instructionsOf(frame: Frame): Instructions<Header> {
  const evidenceName = (register: Register | string | undefined): string | undefined =>
    register === undefined ? undefined : frame.register(register).name;
  return {
    push: (value) => frame.emit("PUSH", [["value", frame.operand(value)]]),
    store(register) {
      const handle = frame.register(register);
      frame.emit("STORE", [["reg", handle.name]]);
      return handle;
    },
    load: (register) => frame.emit("LOAD", [["reg", frame.register(register).name]]),
    cap: (name, args, evidence) =>
      frame.emit("CAP", [
        ["name", name],
        ["args", args && frame.args(args)],
        ["evidence", evidenceName(evidence)],
      ]),
    call: (name, args, evidence) =>
      frame.emit("CALL", [
        ["fn", name],
        ["args", args && frame.args(args)],
        ["evidence", evidenceName(evidence)],
      ]),
    respond: (status, body) =>
      frame.emit("RESPOND", [
        ["status", status],
        ["body", body === undefined ? undefined : frame.operand(body)],
      ]),
    note: (text) => frame.note(text),
  };
}

type Jumps = Pick<Structure<Header>, "label" | "place" | "jump" | "jz" | "jnz" | "if" | "while" | "try">;

function jumpsOf(frame: Frame): Jumps {
  const label = (name?: string) => frame.unit.label(frame, name ?? null);
  const jump = (op: "JUMP" | "JZ" | "JNZ", to: ReturnType<typeof label>): void =>
    frame.emit(op, [["label", frame.target(to)]]);
  return {
    label,
    place: (to) => frame.place(to),
    jump: (to) => jump("JUMP", to),
    jz: (to) => jump("JZ", to),
    jnz: (to) => jump("JNZ", to),
    if(then, otherwise) {
      const [no, end] = [label(), otherwise === undefined ? null : label()];
      jump("JZ", no);
      then();
      if (end !== null) jump("JUMP", end);
      frame.place(no);
      otherwise?.();
      if (end !== null) frame.place(end);
    },
    while(condition, body) {
      const [again, exit] = [label(), label()];
      frame.place(again);
      condition();
      jump("JZ", exit);
      body(exit);
      jump("JUMP", again);
      frame.place(exit);
    },
    try(body, handler) {
      const [caught, end] = [label(), label()];
      frame.emit("TRY", [["handler", frame.target(caught)]]);
      body();
      frame.emit("ENDTRY");
      jump("JUMP", end);
      frame.place(caught);
      handler();
      frame.place(end);
    },
  };
}

type Calls = Pick<Structure<Header>, "callf" | "spawn" | "spawnf">;

function callsOf(frame: Frame): Calls {
  return {
    callf: (fn, args) =>
      frame.emit("CALLF", [
        ["name", fn.name],
        ["args", frame.bindings(args)],
      ]),
    spawn(as, body, args) {
      const handle = frame.register(as);
      const unit = new UnitDraft();
      body(bodyCode(new Frame(unit, null)));
      frame.emit("SPAWN", [
        ["as", handle.name],
        ["args", args && frame.bindings(args)],
        ["body", unit.finish()],
      ]);
      return handle;
    },
    spawnf(as, fn, args) {
      const handle = frame.register(as);
      frame.emit("SPAWN", [
        ["as", handle.name],
        ["func", fn.name],
        ["args", frame.bindings(args)],
      ]);
      return handle;
    },
  };
}

/** A header narrows what its code may name; at run time all headers are alike. */
const bodyCode = (frame: Frame): BodyCode<Header> => ({
  ...methodsOf(frame),
  ...valuesOf(frame),
  ...instructionsOf(frame),
  ...jumpsOf(frame),
  ...callsOf(frame),
});

const functionCode = (frame: Frame): FunctionCode<Header> => ({
  ...bodyCode(frame),
  ret: (value?: Operand) =>
    frame.emit("RET", [["value", value === undefined ? undefined : frame.operand(value)]]),
});

function registersOf<P extends string>(params: readonly P[], frame: Frame): { readonly [K in P]: Register } {
  const registers = params.map((param) => [param, new Register(param, frame)]);
  return Object.fromEntries(registers) as { readonly [K in P]: Register };
}

/** The code of the main list, with its functions. */
export function mainCode<H extends Header>(frame: Frame): MainCode<H> {
  const code: MainCode<Header> = {
    ...bodyCode(frame),
    func(name, params, body) {
      const { unit } = frame;
      if (unit.functions.has(name)) {
        const message = `There is a function ${name} already.`;
        throw new BuilderError("function_exists", message, "give it another name.");
      }
      unit.functions.add(name);
      const inner = new Frame(unit, name);
      const handle = { name, params };
      frame.emit("FUNC", [
        ["name", name],
        ["params", [...params]],
      ]);
      unit.open = inner;
      body(functionCode(inner), registersOf(params, inner), handle);
      inner.emit("ENDFUNC");
      unit.open = frame;
      return handle;
    },
  };
  return code;
}
