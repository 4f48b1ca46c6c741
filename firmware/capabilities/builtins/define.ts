/** Shorthand for the contracts of built-in capabilities: closed schemas, common arguments, default rates. */

import { type Refusal, refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { ResourceRequirement } from "../../core/resource-required.ts";
import type { Binding, CompiledOutput, CompiledPolicy } from "../../policy/types.ts";
import type { Target } from "../capability.ts";
import type { CapabilityClass, CapabilityContract, ObjectSchema, Schema } from "../contract/types.ts";
import { ALIASES } from "../registry.ts";

export const integer = (minimum: number, maximum: number): Schema => ({ type: "integer", minimum, maximum });
export const text = (maxLength: number, pattern?: string): Schema => ({
  type: "string",
  minLength: 1,
  maxLength,
  ...(pattern === undefined ? {} : { pattern }),
});
export const bytes = (min: number, max: number): Schema => ({ bytes: { min, max } });
export const boolean: Schema = { type: "boolean" };
export const level: Schema = { type: "integer", minimum: 0, maximum: 1 };
/** Any JSON value; the machine bounds its size. */
export const json: Schema = { title: "json" };
export const nullable = (schema: Schema): Schema => ({
  ...schema,
  type: [...[schema.type ?? []].flat(), "null"],
});
export const object = (
  properties: Readonly<Record<string, Schema>>,
  optional: readonly string[] = [],
): ObjectSchema => ({
  type: "object",
  additionalProperties: false,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
  properties,
});

/** Names of bindings, outputs and queues in policy. */
export const name = text(64, "^[A-Za-z0-9_.-]+$");

const RATES: Readonly<Record<CapabilityClass, { readonly rps: number; readonly burst: number }>> = {
  read: { rps: 100, burst: 50 },
  local: { rps: 100, burst: 50 },
  effect: { rps: 20, burst: 10 },
  control: { rps: 10, burst: 5 },
};

type Written = Pick<
  CapabilityContract,
  "id" | "title" | "class" | "params" | "result" | "topic" | "action" | "costMilli"
> &
  Partial<Omit<CapabilityContract, "format" | "aliases" | "params">>;

/** A whole contract out of what is particular to it; every call takes `timeoutMs`. */
export function contract(written: Written): CapabilityContract {
  const timeoutMs = written.timeoutMs ?? 1000;
  const { params } = written;
  return {
    format: "imu.capability/1",
    version: "1.0.0",
    positional: params.required,
    resources: [],
    evidence: [],
    exclusive: null,
    rate: RATES[written.class],
    maxResultBytes: 65_536,
    idempotent: written.class === "read",
    errors: [],
    ...written,
    timeoutMs,
    params: { ...params, properties: { ...params.properties, timeoutMs: integer(1, timeoutMs) } },
    aliases: Object.keys(ALIASES).filter((alias) => ALIASES[alias] === written.id),
  };
}

/** A target with nothing special about it. */
export function plainTarget(fields: Pick<Target, "uri" | "action" | "class"> & Partial<Target>): Target {
  return {
    output: null,
    bound: true,
    resources: [],
    exclusive: null,
    safeValue: false,
    writeBytes: 0,
    netBytes: 0,
    problem: null,
    undefinedName: null,
    ...fields,
  };
}

const undefinedName = (kind: "binding" | "output", wanted: string): ResourceRequirement => ({
  resource: `${kind}:${wanted}`,
  why: `The program uses the ${kind} ${wanted}, but the policy does not define it.`,
  howTo: `Add ${wanted} to the section "${kind === "binding" ? "bindings" : "outputs"}" of the signed policy.`,
  commands: [],
  requiresConsent: false,
});

/** The target of a name that policy does not define. */
export const undefinedTarget = (
  kind: "binding" | "output",
  wanted: string,
  of: CapabilityClass,
  action: string,
): Target =>
  plainTarget({ uri: `${kind}:${wanted}`, action, class: of, undefinedName: undefinedName(kind, wanted) });

export const bindingOf = (policy: CompiledPolicy, wanted: string): Binding | undefined =>
  policy.bindings.find((binding) => binding.name === wanted);
export const outputOf = (policy: CompiledPolicy, wanted: string): CompiledOutput | undefined =>
  policy.outputs.find((output) => output.name === wanted);

/** Step 8 for an address whose scheme the capability cannot serve. */
export const wrongScheme = (uri: string, wanted: string): Refusal =>
  refusal("unknown_target", 404, { target: uri, why: `not a ${wanted} address` });

/** Checked arguments as the types that their schemas promise. @throws Error for a schema that promised otherwise. */
export function textArg(args: JsonObject, key: string): string | undefined {
  const value = args[key];
  return typeof value === "string" ? value : undefined;
}
export function numberArg(args: JsonObject, key: string): number | undefined {
  const value = args[key];
  return typeof value === "number" ? value : undefined;
}
