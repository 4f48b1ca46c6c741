/** Maps `area:op` of a vector to the product's own rule. An op module only translates shapes; it decides nothing. */
import type { Json } from "../../firmware/core/json.ts";

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

export type Op = (given: Given, file: VectorFile) => unknown;
export type OpModule = { readonly area: string; readonly ops: Readonly<Record<string, Op>> };
