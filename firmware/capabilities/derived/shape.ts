/** Shapes of untrusted JSON: how large it may be, and whether it is a schema as the contract language has it. */
import { canonicalSize } from "../../core/canonical-size.ts";
import { CodedError } from "../../core/errors.ts";
import { isJsonObject, type Json } from "../../core/json.ts";
import { DERIVED_LIMITS } from "../../core/limits.ts";
import type { ObjectSchema, Schema } from "../contract/types.ts";

export type Check = (value: unknown) => boolean;

export const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
export const isText = (value: unknown): value is string => typeof value === "string";
export const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every(isText);
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);

/** Why a value is too large or no JSON, or null. Cyclic values end at the depth. */
export function excessOf(value: unknown): string | null {
  const budget = { nodes: DERIVED_LIMITS.nodes };
  const shape = walk(value, 0, budget);
  if (shape !== null) return shape;
  try {
    return canonicalSize(value) > DERIVED_LIMITS.manifestBytes ? "too_large" : null;
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

function walk(value: unknown, depth: number, budget: { nodes: number }): string | null {
  if (--budget.nodes < 0) return "too_many_values";
  if (depth > DERIVED_LIMITS.manifestDepth) return "too_deep";
  if (typeof value !== "object" || value === null) return null;
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    const found = walk(inner, depth + 1, budget);
    if (found !== null) return found;
  }
  return null;
}

/** Keywords by the shape of their values; which of them may stand together is the lint's matter. */
const KEYWORDS: Readonly<Record<string, Check>> = {
  type: (value) => isText(value) || isTexts(value),
  enum: Array.isArray,
  minimum: isNumber,
  maximum: isNumber,
  minLength: isWhole,
  maxLength: isWhole,
  pattern: isText,
  items: (value) => isSchema(value),
  minItems: isWhole,
  maxItems: isWhole,
  properties: (value) => isJsonObject(value) && Object.values(value).every((inner) => isSchema(inner)),
  required: isTexts,
  additionalProperties: (value) => value === false,
  title: isText,
  description: isText,
  bytes: (value) => isJsonObject(value) && isWhole(value.min) && isWhole(value.max),
};

/** Expects a value within the bounds of `excessOf`. */
export function isSchema(value: unknown): value is Schema {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(([keyword, given]: [string, Json]) => {
    const check = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined;
    return check?.(given) ?? true;
  });
}

export const isObjectSchema = (value: unknown): value is ObjectSchema =>
  isSchema(value) &&
  value.type === "object" &&
  value.additionalProperties === false &&
  value.properties !== undefined &&
  value.required !== undefined;
