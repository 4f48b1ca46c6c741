// Generated from the capabilities of this version: what programs for imud may use, and nothing else exists for them.
interface Array<T> {
  /** Read only: arrays grow by push. */
  readonly length: number;
  [index: number]: T;
  /** Adds one item at the end. */
  push(item: T): void;
  /** A copy of part of it; 0 <= start <= end <= length, else index_range. */
  slice(start: number, end?: number): T[];
}
interface ReadonlyArray<T> {
  readonly length: number;
  readonly [index: number]: T;
  slice(start: number, end?: number): T[];
}
interface String {
  /** In code points, not UTF-16 units. */
  readonly length: number;
  /** 0 <= start <= end <= length in code points, else index_range. */
  slice(start: number, end?: number): string;
  /** Position in code points, or -1; the part has at most 64 bytes. */
  indexOf(part: string): number;
  includes(part: string): boolean;
  startsWith(part: string): boolean;
  /** The separator is a literal of 1 to 8 characters. */
  split(separator: string): string[];
}
interface Number {}
interface Boolean {}
interface Object {}
interface Function {}
interface CallableFunction extends Function {}
interface NewableFunction extends Function {}
interface IArguments {}
interface RegExp {}
declare const Math: {
  floor(x: number): number;
  ceil(x: number): number;
  trunc(x: number): number;
  abs(x: number): number;
  sqrt(x: number): number;
  min(first: number, second: number, ...more: readonly number[]): number;
  max(first: number, second: number, ...more: readonly number[]): number;
};
declare const Object: {
  /** Sorted by UTF-16 code unit, not in order of insertion. */
  keys(of: object): string[];
};
declare module "imu" {
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
  export type PackField = Whole | Wide | "rest" | `bytes:${number}` | `pad:${number}`;
  /** One value for each field but pad. */
  export type Fields<F extends readonly PackField[]> = F extends readonly [infer H, ...infer T]
    ? T extends readonly PackField[]
      ? H extends `pad:${number}`
        ? Fields<T>
        : [H extends "rest" | `bytes:${number}` ? Bytes : number, ...Fields<T>]
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

  export const clock: {
    /** Read the clocks of this device: local. */
    now(args?: { readonly timeoutMs?: number }): { readonly wallMs: number; readonly monoMs: number; readonly state: "unknown" | "floor" | "trusted" };
  };
  export const gpio: {
    /** Read the level of a line: read. */
    read(args?: { readonly input?: string; readonly chip?: string; readonly line?: number; readonly timeoutMs?: number }): { readonly value: 0 | 1; readonly driven: boolean | null };
    read(input: string, more?: { readonly chip?: string; readonly line?: number; readonly timeoutMs?: number }): { readonly value: 0 | 1; readonly driven: boolean | null };
    /** Set an output line: effect. */
    write(args: { readonly output: string; readonly value: 0 | 1; readonly timeoutMs?: number }): { readonly value: 0 | 1; readonly previous: 0 | 1 | null; readonly readback: 0 | 1 };
    write(output: string, value: 0 | 1, more?: { readonly timeoutMs?: number }): { readonly value: 0 | 1; readonly previous: 0 | 1 | null; readonly readback: 0 | 1 };
  };
  export const i2c: {
    /** Read octets from a device: read. */
    read(args: { readonly input?: string; readonly bus?: number; readonly address?: number; readonly length: number; readonly register?: number; readonly registerBytes?: 1 | 2; readonly timeoutMs?: number }): { readonly data: Bytes };
    read(length: number, more?: { readonly input?: string; readonly bus?: number; readonly address?: number; readonly register?: number; readonly registerBytes?: 1 | 2; readonly timeoutMs?: number }): { readonly data: Bytes };
    /** Write, then read with a repeated start: read. */
    transfer(args: { readonly input?: string; readonly output?: string; readonly write: Bytes; readonly readLength: number; readonly timeoutMs?: number }): { readonly data: Bytes };
    /** Write octets to an output device: effect. */
    write(args: { readonly output: string; readonly data: Bytes; readonly register?: number; readonly registerBytes?: 1 | 2; readonly timeoutMs?: number }): { readonly written: number };
    write(output: string, data: Bytes, more?: { readonly register?: number; readonly registerBytes?: 1 | 2; readonly timeoutMs?: number }): { readonly written: number };
  };
  export const kv: {
    /** Delete a stored value: local. */
    delete(args: { readonly key: string; readonly space?: string; readonly timeoutMs?: number }): {};
    delete(key: string, more?: { readonly space?: string; readonly timeoutMs?: number }): {};
    /** Read a stored value: local. */
    get(args: { readonly key: string; readonly space?: string; readonly timeoutMs?: number }): { readonly found: boolean; readonly value: Json };
    get(key: string, more?: { readonly space?: string; readonly timeoutMs?: number }): { readonly found: boolean; readonly value: Json };
    /** List stored values: local. */
    list(args: { readonly prefix: string; readonly limit: number; readonly after?: string; readonly space?: string; readonly timeoutMs?: number }): { readonly items: readonly ({ readonly key: string; readonly value: Json })[]; readonly next: string | null };
    list(prefix: string, limit: number, more?: { readonly after?: string; readonly space?: string; readonly timeoutMs?: number }): { readonly items: readonly ({ readonly key: string; readonly value: Json })[]; readonly next: string | null };
    /** Store a value: local. */
    put(args: { readonly key: string; readonly value: Value; readonly ttlMs?: number; readonly space?: string; readonly timeoutMs?: number }): {};
    put(key: string, value: Value, more?: { readonly ttlMs?: number; readonly space?: string; readonly timeoutMs?: number }): {};
  };
  export const mqtt: {
    /** Publish a message: effect. */
    publish(args: { readonly output: string; readonly payload: Value; readonly subtopic?: string; readonly qos?: 0 | 1; readonly retain?: boolean; readonly timeoutMs?: number }): { readonly outboxId: string };
    publish(output: string, payload: Value, more?: { readonly subtopic?: string; readonly qos?: 0 | 1; readonly retain?: boolean; readonly timeoutMs?: number }): { readonly outboxId: string };
  };
  export const queue: {
    /** Finish a job: local. */
    ack(args: { readonly jobId: string; readonly leaseToken: number; readonly result?: Value; readonly timeoutMs?: number }): {};
    ack(jobId: string, leaseToken: number, more?: { readonly result?: Value; readonly timeoutMs?: number }): {};
    /** Hold a job longer: local. */
    extend(args: { readonly jobId: string; readonly leaseToken: number; readonly leaseMs: number; readonly timeoutMs?: number }): {};
    extend(jobId: string, leaseToken: number, leaseMs: number, more?: { readonly timeoutMs?: number }): {};
    /** Reserve the oldest job: local. */
    get(args: { readonly queue: string; readonly leaseMs?: number; readonly timeoutMs?: number }): { readonly job: Json };
    get(queue: string, more?: { readonly leaseMs?: number; readonly timeoutMs?: number }): { readonly job: Json };
    /** Give a job back or fail it: local. */
    nack(args: { readonly jobId: string; readonly leaseToken: number; readonly reason: string; readonly retry?: boolean; readonly timeoutMs?: number }): {};
    nack(jobId: string, leaseToken: number, reason: string, more?: { readonly retry?: boolean; readonly timeoutMs?: number }): {};
    /** Add a job: local. */
    put(args: { readonly queue: string; readonly payload: Value; readonly idempotencyKey?: string; readonly delayMs?: number; readonly timeoutMs?: number }): { readonly jobId: string; readonly state: "queued" | "reserved" | "done" | "failed"; readonly idempotent: boolean };
    put(queue: string, payload: Value, more?: { readonly idempotencyKey?: string; readonly delayMs?: number; readonly timeoutMs?: number }): { readonly jobId: string; readonly state: "queued" | "reserved" | "done" | "failed"; readonly idempotent: boolean };
  };
  export const sensor: {
    /** Read a bound sensor channel: read. */
    read(args: { readonly input: string; readonly timeoutMs?: number }): { readonly value: Json; readonly unit: string | null; readonly raw: Json | null; readonly quality: string };
    read(input: string, more?: { readonly timeoutMs?: number }): { readonly value: Json; readonly unit: string | null; readonly raw: Json | null; readonly quality: string };
  };
  export const serial: {
    /** Read octets from a bound port: read. */
    read(args: { readonly input: string; readonly maxBytes: number; readonly until?: Bytes; readonly withinMs?: number; readonly timeoutMs?: number }): { readonly data: Bytes; readonly timedOut: boolean };
    read(input: string, maxBytes: number, more?: { readonly until?: Bytes; readonly withinMs?: number; readonly timeoutMs?: number }): { readonly data: Bytes; readonly timedOut: boolean };
    /** Write octets to an output port: effect. */
    write(args: { readonly output: string; readonly data: Bytes; readonly timeoutMs?: number }): { readonly written: number };
    write(output: string, data: Bytes, more?: { readonly timeoutMs?: number }): { readonly written: number };
  };
  export const shared: {
    /** Read a shared setting: local. */
    get(args: { readonly key: string; readonly timeoutMs?: number }): { readonly found: boolean; readonly value: Json; readonly writer: string | null };
    get(key: string, more?: { readonly timeoutMs?: number }): { readonly found: boolean; readonly value: Json; readonly writer: string | null };
    /** Write a shared setting: local. */
    put(args: { readonly key: string; readonly value: Value; readonly timeoutMs?: number }): {};
    put(key: string, value: Value, more?: { readonly timeoutMs?: number }): {};
  };
  export const spi: {
    /** Exchange octets under one chip select: read. */
    transfer(args: { readonly input?: string; readonly output?: string; readonly data: Bytes; readonly intent?: "read" | "write"; readonly mode?: number; readonly speedHz?: number; readonly bits?: 8; readonly timeoutMs?: number }): { readonly data: Bytes };
    transfer(data: Bytes, more?: { readonly input?: string; readonly output?: string; readonly intent?: "read" | "write"; readonly mode?: number; readonly speedHz?: number; readonly bits?: 8; readonly timeoutMs?: number }): { readonly data: Bytes };
  };
}
