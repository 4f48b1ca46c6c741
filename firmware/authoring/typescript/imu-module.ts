/** The part of the module `imu` that does not depend on capabilities: values, program, machine, bytes, proof. */
export const IMU_TYPES = `
  /** Octets, immutable; equal by content. */
  export class Bytes {
    private readonly content: never;
    private constructor();
    readonly length: number;
    readonly [index: number]: number;
    slice(start: number, end?: number): Bytes;
    indexOf(part: Bytes): number;
  }
  /** A running task, from spawn. */
  export class Task<R> {
    private readonly result: R;
    private constructor();
  }
  export type Json = null | boolean | number | string | Bytes | readonly Json[] | JsonObject;
  export interface JsonObject {
    readonly [key: string]: Json;
  }
  /** Any value of the machine. */
  export type Value = {} | null;
  /** An object used as a table; a key that is not there reads as null. */
  export interface Dictionary<T> {
    [key: string]: T | null;
  }
  /** What a catch clause caught. */
  export interface Fault {
    readonly code: string;
    readonly reason: string;
    readonly details: JsonObject;
  }
  export interface Failure {
    readonly failure: never;
  }
  export interface Joined<R> {
    readonly ok: boolean;
    readonly value: R | null;
    readonly status: number | null;
    readonly body: Json;
    readonly error: { readonly code: string; readonly reason: string } | null;
  }
  export type ProgramTrigger =
    | { readonly on: "interval"; readonly everyMs: number }
    | { readonly on: "at"; readonly atMs: number }
    | { readonly on: "cron"; readonly expr: string; readonly tz?: string }
    | {
        readonly on: "gpio";
        readonly line: string;
        readonly edge: "rising" | "falling" | "both";
        readonly debounceMs?: number;
      }
    | { readonly on: "command"; readonly name: string }
    | { readonly on: "mqtt"; readonly topic: string }
    | { readonly on: "signal"; readonly name: string; readonly above?: number }
    | { readonly on: "queue"; readonly queue: string }
    | { readonly on: "boot" };
  export interface Limits {
    readonly cpuSteps?: number;
    readonly memKb?: number;
    readonly ioCalls?: number;
    readonly wallMs?: number;
    readonly sleepMs?: number;
    readonly sleepTotalMs?: number;
    readonly tasks?: number;
    readonly outputBytes?: number;
    readonly ioReadBytes?: number;
    readonly ioWriteBytes?: number;
    readonly netOutBytes?: number;
    readonly claims?: number;
    readonly callDepth?: number;
    readonly inputBytes?: number;
    readonly valueBytes?: number;
  }
  /** What the document says about the program; capabilities and outputs are derived from the code. */
  export interface Program {
    readonly name: string;
    readonly version: string;
    readonly description?: string;
    /** If written, exactly the outputs that the code drives. */
    readonly outputs?: readonly string[];
    readonly triggers?: readonly ProgramTrigger[];
    /** Schema of main's input, checked before the run. */
    readonly payload?: JsonObject;
    /** Schema of the body of respond. */
    readonly response?: JsonObject;
    readonly claims?: JsonObject;
    readonly limits?: Limits;
    readonly intents?: readonly string[];
    /** A trigger while it runs; default skip. */
    readonly overlap?: "skip" | "queue" | "restart";
  }
`;

export const IMU_FUNCTIONS = `
  /** What started the run; members of other kinds of trigger are null. */
  export const trigger: {
    readonly kind: string;
    readonly dueAt: number | null;
    readonly line: string | null;
    readonly edge: string | null;
    readonly value: 0 | 1 | null;
    readonly at: number | null;
    readonly commandId: string | null;
    readonly name: string | null;
    readonly topic: string | null;
    readonly level: number | null;
    readonly queue: string | null;
    readonly jobId: string | null;
    readonly attempt: number | null;
    readonly bootId: string | null;
  };

  /** Milliseconds since the run began. */
  export function elapsed(): number;
  /** Waits; fractions are rounded half to even, computed negatives count as 0. */
  export function sleep(ms: number): void;
  /** Ends the run, or the task, without a reply. */
  export function halt(): never;
  /** Ends the run with a reply; status is a literal 200 to 499 without 403, 412, 428, 429. */
  export function respond(status: number, body?: Value): never;
  /** For throw: ends with program_error and this reason unless it is caught. Reason and message are literals. */
  export function fail(reason: string, details?: Value, message?: string): Failure;
  /** The fault that a catch variable holds. */
  export function faultOf(caught: unknown): Fault;

  export interface Statement {
    readonly type?: string;
    readonly schema?: JsonObject;
    readonly value?: Value;
    readonly sources?: readonly string[];
    readonly evidence?: string | readonly string[] | null;
    readonly from?: Json;
    readonly predicate?: Json;
    readonly group?: string | null;
    readonly quantile?: string | null;
    readonly minTrust?: number;
  }
  /** States a claim by name. Everything but value and evidence is literal. */
  export function evidence(claim: string, statement?: Statement): void;
  /** States a claim by text or about. Everything but value and evidence is literal. */
  export function claim(
    statement: Statement & { readonly id?: string } & ({ readonly text: string } | { readonly about: string }),
  ): void;
  /** Evidence ids of the capability call that a const was initialised with. */
  export function evidenceOf(result: Value): readonly string[];

  /** Starts a function as a task of its own; arguments are copied. */
  export function spawn<A extends readonly Value[], R>(run: (...args: A) => R, ...args: A): Task<R>;
  /** Waits for a task, at most timeoutMs if given; failures come back as ok: false. */
  export function join<R>(task: Task<R>, timeoutMs?: number): Joined<R>;

  /** The number in a JSON value; anything else is type_mismatch. */
  export function asNumber(value: Json): number;
  /** The text in a JSON value; anything else is type_mismatch. */
  export function asText(value: Json): string;
  export function isArray(value: Json): value is readonly Json[];
  export function isObject(value: Json): value is JsonObject;
  export function isBytes(value: Json): value is Bytes;
  /** Number of members of an object. */
  export function size(of: object): number;

  /** x within min and max; min above max is an error. */
  export function clamp(x: number, min: number, max: number): number;
  /** The curve through 2 to 64 literal points with rising x, clamped at both ends. */
  export function interp(points: readonly (readonly [number, number])[], x: number): number;
  export function roundHalfEven(x: number): number;
  /** Floor division of integers, exact. */
  export function floorDivide(a: number, b: number): number;
  /** Bit 0 to 31 (literal) of a 32-bit word. */
  export function bitAt(word: number, bit: number): 0 | 1;
  export function withBit(word: number, bit: number, on: boolean): number;
  /** The low 1 to 32 bits (literal) as a signed number. */
  export function signExtend(word: number, bits: number): number;
  /** As JSON writes it, or with 0 to 12 (literal) digits, rounded half to even on the exact binary value. */
  export function toText(value: number | boolean | null, digits?: number): string;
  /** Decimal text to number; anything else is bad_number. */
  export function toNumber(text: string): number;

  type Whole = "u8" | "i8" | "u16be" | "u16le" | "i16be" | "i16le" | "u24be" | "u24le" | "i24be" | "i24le";
  type Wide = "u32be" | "u32le" | "i32be" | "i32le" | "f32be" | "f32le" | "f64be" | "f64le";
  export type PackField = Whole | Wide | "rest" | \`bytes:\${number}\` | \`pad:\${number}\`;
  /** One value for each field but pad. */
  export type Fields<F extends readonly PackField[]> = F extends readonly [infer H, ...infer T]
    ? T extends readonly PackField[]
      ? H extends \`pad:\${number}\`
        ? Fields<T>
        : [H extends "rest" | \`bytes:\${number}\` ? Bytes : number, ...Fields<T>]
      : never
    : [];
  export type Encoding = "utf8" | "ascii" | "hex" | "base64";
  export type CrcPreset =
    | "crc8-smbus"
    | "crc8-maxim"
    | "crc8-sensirion"
    | "crc16-modbus"
    | "crc16-ccitt-false"
    | "crc16-xmodem"
    | "crc32";
  /** Octets from a literal of lower-case hex digits. */
  export function bytes(hex: string): Bytes;
  export function concat(a: Bytes, b: Bytes): Bytes;
  /** The format is a literal. */
  export function pack<const F extends readonly PackField[]>(format: F, values: Fields<F>): Bytes;
  export function unpack<const F extends readonly PackField[]>(format: F, data: Bytes): Fields<F>;
  export function crc(preset: CrcPreset, data: Bytes): number;
  export function encode(text: string, as: Encoding): Bytes;
  export function decode(data: Bytes, as: Encoding): string;
  /** SHA-256 of the canonical JSON, in hex. */
  export function hash(value: Value): string;
`;
