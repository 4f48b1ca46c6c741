/** Parameters of state methods: they come over the local socket or from a command line and are not believed. */
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";

function bad(name: string, why: string): never {
  throw new CodedError("args_invalid", `The parameter ${name} ${why}.`, { status: 422, details: { name } });
}

/** A text of 1 to `maxLength` characters. @throws CodedError `args_invalid` (422). */
export function textParam(params: JsonObject, name: string, maxLength = 256): string {
  const value = Object.hasOwn(params, name) ? params[name] : undefined;
  if (typeof value !== "string" || value.length === 0) return bad(name, "is missing or no text");
  return value.length <= maxLength ? value : bad(name, `is longer than ${maxLength} characters`);
}

/** Null if it is absent. @throws CodedError `args_invalid`. */
export function optionalText(params: JsonObject, name: string, maxLength = 256): string | null {
  return Object.hasOwn(params, name) && params[name] !== null ? textParam(params, name, maxLength) : null;
}

/** A whole number within bounds, `fallback` if absent. @throws CodedError `args_invalid`. */
export function countParam(params: JsonObject, name: string, max: number, fallback?: number): number {
  const value = Object.hasOwn(params, name) ? params[name] : fallback;
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    return bad(name, "is missing or no whole number");
  }
  return value <= max ? value : bad(name, `is larger than ${max}`);
}

/** What a method answers, as the JSON it will travel as: absent members left out, nothing but plain data. */
export const plainJson = (value: unknown): Json => JSON.parse(JSON.stringify(value)) as Json;
