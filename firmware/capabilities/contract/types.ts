/** The contract of a capability and the schema language of its arguments and results (capabilities.md 2). */
import type { Json, JsonObject } from "../../core/json.ts";

export type TypeName = "null" | "boolean" | "integer" | "number" | "string" | "array" | "object";

/** The keywords that a contract may use; anything else is `contract_invalid`. */
export interface Schema {
  readonly type?: TypeName | readonly TypeName[];
  readonly enum?: readonly Json[];
  readonly const?: Json;
  readonly minimum?: number;
  readonly maximum?: number;
  /** Code points. */
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  readonly default?: Json;
  readonly title?: string;
  readonly description?: string;
  /** Octets, as `{"$bytes": "<hex>"}`. */
  readonly bytes?: { readonly min: number; readonly max: number };
}

export interface ObjectSchema extends Schema {
  readonly type: "object";
  readonly additionalProperties: false;
  readonly properties: Readonly<Record<string, Schema>>;
  readonly required: readonly string[];
}

export type CapabilityClass = "read" | "effect" | "local" | "control";

export interface EvidenceTemplate {
  readonly kind: string;
  readonly source: string;
}

export interface CapabilityContract {
  readonly format: "imu.capability/1";
  readonly id: string;
  readonly version: string;
  readonly title: string;
  readonly aliases: readonly string[];
  readonly class: CapabilityClass;
  readonly params: ObjectSchema;
  /** Names of the positional arguments, in order. */
  readonly positional: readonly string[];
  readonly result: Schema;
  /** Template of the policy topic, for example `gpio://{chip}/{line}`. */
  readonly topic: string;
  readonly action: string;
  readonly resources: readonly string[];
  readonly evidence: readonly EvidenceTemplate[];
  /** Key under which calls are serialised, or null. */
  readonly exclusive: string | null;
  readonly costMilli: number;
  readonly rate: { readonly rps: number; readonly burst: number };
  readonly timeoutMs: number;
  readonly maxResultBytes: number;
  readonly idempotent: boolean;
  readonly errors: readonly string[];
}

/** One thing that is wrong with a value, and where. */
export interface Violation {
  readonly reason: string;
  readonly path: string;
  readonly details: JsonObject;
}
