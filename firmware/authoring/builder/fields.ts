/** Types of instruction fields, derived from the table of the instruction set. */
import type { JsonObject } from "../../core/json.ts";
import type { CrcParams, INSTRUCTION_TABLE, OpName } from "../../vm/index.ts";
import type { Operand, Reference, Register } from "./values.ts";

type Table = typeof INSTRUCTION_TABLE;
type BitFormat = `${"u" | "i"}${"16" | "24" | "32"}${"be" | "le"}` | `f${"32" | "64"}${"be" | "le"}`;
/** A field of PACK and UNPACK (vm.md 4.1). */
export type PackField = "u8" | "i8" | BitFormat | `bytes:${number}` | `pad:${number}` | "rest";

/** What the fields of each kind hold; kinds of structure have methods of their own. */
interface KindTypes {
  operand: Operand;
  millis: number | Register | Reference;
  text_reference: string;
  call_args: readonly Operand[] | { readonly [name: string]: Operand };
  named_args: { readonly [name: string]: Operand };
  name: string;
  register: Register | string;
  text: string;
  nullable_text: string | null;
  identifier: string;
  texts: readonly string[];
  json: unknown;
  object: JsonObject;
  status: number;
  trust: number;
  table: readonly (readonly [x: number, y: number])[];
  format: readonly PackField[];
  preset:
    | "crc8-smbus"
    | "crc8-maxim"
    | "crc8-sensirion"
    | "crc16-modbus"
    | "crc16-ccitt-false"
    | "crc16-xmodem"
    | "crc32";
  crc: CrcParams;
  encoding: "utf8" | "ascii" | "hex" | "base64";
  separator: string;
  digits: number;
  bit: number;
  bits: number;
}

type KindOf<Written> = Written extends `${infer Kind}?` ? Kind : Written;
type TypeOf<Written> = KindOf<Written> extends keyof KindTypes ? KindTypes[KindOf<Written>] : never;

type FieldsIn<K extends OpName> = Table[K]["fields"];
type PairIn<K extends OpName> = Table[K]["extra"] extends {
  readonly either: readonly [infer A extends string, infer B extends string];
}
  ? A | B
  : Table[K]["extra"] extends {
        readonly atMostOne: readonly [infer A extends string, infer B extends string];
      }
    ? A | B
    : never;

type RequiredFields<K extends OpName> = {
  readonly [F in keyof FieldsIn<K> as FieldsIn<K>[F] extends `${string}?` ? never : F]: TypeOf<
    FieldsIn<K>[F]
  >;
};
type OptionalFields<K extends OpName> = {
  readonly [F in keyof FieldsIn<K> as FieldsIn<K>[F] extends `${string}?`
    ? F extends PairIn<K>
      ? never
      : F
    : never]?: TypeOf<FieldsIn<K>[F]>;
};
type Field<K extends OpName, F> = F extends keyof FieldsIn<K> ? TypeOf<FieldsIn<K>[F]> : never;
type OneOf<K extends OpName, A extends string, B extends string> =
  | ({ readonly [F in A]: Field<K, A> } & { readonly [F in B]?: never })
  | ({ readonly [F in B]: Field<K, B> } & { readonly [F in A]?: never });
type Pair<K extends OpName> = Table[K]["extra"] extends {
  readonly either: readonly [infer A extends string, infer B extends string];
}
  ? OneOf<K, A, B>
  : Table[K]["extra"] extends {
        readonly atMostOne: readonly [infer A extends string, infer B extends string];
      }
    ? OneOf<K, A, B> | ({ readonly [F in A]?: never } & { readonly [F in B]?: never })
    : unknown;

/** Instructions that are written with methods of structure: labels, jumps, functions, regions, tasks, calls. */
export type StructuralOp =
  | "LABEL"
  | "FUNC"
  | "ENDFUNC"
  | "JUMP"
  | "JZ"
  | "JNZ"
  | "CALLF"
  | "RET"
  | "TRY"
  | "ENDTRY"
  | "SPAWN"
  | "CALL"
  | "CAP"
  | "PUSH"
  | "STORE"
  | "LOAD"
  | "RESPOND";

/** The fields of one instruction by their names: a wrong one does not compile. */
export type FieldsOf<K extends OpName> = RequiredFields<K> & OptionalFields<K> & Pair<K>;

/** Instructions without any field. */
export type PlainOp = {
  [K in Exclude<OpName, StructuralOp>]: keyof FieldsIn<K> extends never ? K : never;
}[Exclude<OpName, StructuralOp>];
export type FieldOp = Exclude<OpName, StructuralOp | PlainOp>;

/** `SLEEP_MS` is `sleepMs`. */
export type MethodName<K extends string> = K extends `${infer A}_${infer B}`
  ? `${Lowercase<A>}${Capitalize<Lowercase<B>>}`
  : Lowercase<K>;
