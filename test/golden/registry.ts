/** Maps `area:op` of a vector to the product's own rule. An op module only translates shapes; it decides nothing. */
import type { Json } from "../../firmware/core/json.ts";
import type { Executor } from "../../firmware/vm/index.ts";

/** A vector's `given`. Adapters read it as it stands. */
// biome-ignore lint/suspicious/noExplicitAny: vectors are free-form documents, one shape per op.
export type Given = any;

export interface VectorFile {
  readonly area: string;
  readonly cases: readonly {
    readonly id: string;
    readonly given: Given;
    readonly expect: Json;
    readonly note?: string;
  }[];
  readonly fixtures?: Given;
}

/** What runs on the machine runs on both executors; the vector must hold for each. */
export const EXECUTORS = ["interpreter", "compiled"] as const satisfies readonly Executor[];

export type Op = (given: Given, file: VectorFile) => unknown;
export type MachineOp = (given: Given, executor: Executor) => unknown;
export type OpModule = {
  readonly area: string;
  readonly ops: Readonly<Record<string, Op>>;
  /** Asked once per executor. */
  readonly machineOps?: Readonly<Record<string, MachineOp>>;
};
