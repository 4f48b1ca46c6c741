/**
 * Schemas of claims: what a value must look like (evidence.md 9, check 5). Schemas come from programs:
 * hostile.
 */
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { CLAIM_LIMITS } from "../core/limits.ts";
import { type Details, type Failed, failed } from "./check.ts";
import { compilePattern } from "./pattern.ts";

/** Units of the built-in table (evidence.md 9). */
export const UNITS: ReadonlySet<string> = new Set(
  (
    "1 % ms s Hz rpm Cel K Pa hPa V mV A mA W kW Wh kWh lx ppm ppb m mm cm m/s m/s2 " +
    "deg deg/s g kg L L/min m3 dB dBm count bytes rps tps"
  ).split(" "),
);

interface Context {
  readonly claim: string;
  readonly units: readonly string[];
}

type Verdict = Failed | null;

const typeName = (value: unknown): string =>
  value === null
    ? "null"
    : Array.isArray(value)
      ? "list"
      : typeof value === "object"
        ? "object"
        : typeof value;

const fault = (context: Context, path: string, code: string, details: Details = {}): Failed =>
  failed(`schema_${code}`, { claim: context.claim, path, ...details });

const mismatch = (context: Context, path: string, want: string, value: unknown): Failed =>
  fault(context, path, "type_mismatch", { want, got: typeName(value) });

/** A bound of a schema: absent, or a finite number; anything else makes the schema malformed. */
function bound(schema: JsonObject, key: string): number | null | undefined {
  const value = member(schema, key) ?? undefined;
  if (value === undefined) return undefined;
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

function checkNumber(context: Context, path: string, schema: JsonObject, value: unknown): Verdict {
  const want = schema.type === "integer" ? "integer" : "number";
  const tolerance = bound(schema, "tolerance");
  const min = bound(schema, "min");
  const max = bound(schema, "max");
  if (min === null || max === null || tolerance === null) return fault(context, path, "unknown_type");
  if (tolerance !== undefined && !(tolerance >= 0 && tolerance < 1))
    return fault(context, path, "unknown_type");
  const unit = member(schema, "unit");
  if (typeof unit !== "string" || !(UNITS.has(unit) || context.units.includes(unit))) {
    return fault(context, path, "unknown_unit", { got: unit ?? null });
  }
  if (typeof value !== "number") return mismatch(context, path, want, value);
  if (!Number.isFinite(value)) return fault(context, path, "not_finite");
  if (want === "integer" && !Number.isInteger(value)) return mismatch(context, path, want, value);
  if (min !== undefined && value < min) return fault(context, path, "min_violation", { value, min });
  if (max !== undefined && value > max) return fault(context, path, "max_violation", { value, max });
  return null;
}

function checkLength(
  context: Context,
  path: string,
  length: number,
  min: number | null | undefined,
  max: number | null | undefined,
): Verdict {
  if (min === null || max === null) return fault(context, path, "unknown_type");
  if (min !== undefined && length < min) return fault(context, path, "too_short", { value: length, min });
  if (max !== undefined && length > max) return fault(context, path, "too_long", { value: length, max });
  return null;
}

function checkString(context: Context, path: string, schema: JsonObject, value: unknown): Verdict {
  const source = member(schema, "pattern") ?? undefined;
  const pattern = typeof source === "string" ? compilePattern(source) : null;
  if (source !== undefined && !pattern) return fault(context, path, "unknown_type");
  if (typeof value !== "string") return mismatch(context, path, "string", value);
  const length = [...value].length;
  const sized = checkLength(context, path, length, bound(schema, "minLen"), bound(schema, "maxLen"));
  if (sized) return sized;
  return pattern && !pattern.matches(value) ? fault(context, path, "pattern_violation") : null;
}

function checkEnum(context: Context, path: string, schema: JsonObject, value: unknown): Verdict {
  const choices = member(schema, "choices");
  if (!Array.isArray(choices)) return fault(context, path, "unknown_type");
  const wanted = canonicalize(value);
  return choices.some((choice) => canonicalize(choice) === wanted)
    ? null
    : fault(context, path, "enum_violation");
}

function checkList(
  context: Context,
  path: string,
  schema: JsonObject,
  value: unknown,
  depth: number,
): Verdict {
  const elements = member(schema, "elements");
  if (!isJsonObject(elements)) return fault(context, path, "unknown_type");
  if (!Array.isArray(value)) return mismatch(context, path, "list", value);
  const sized = checkLength(
    context,
    path,
    value.length,
    bound(schema, "minItems"),
    bound(schema, "maxItems"),
  );
  if (sized) return sized;
  for (const [i, item] of value.entries()) {
    const failure = check(context, `${path}[${i}]`, elements, item, depth + 1);
    if (failure) return failure;
  }
  return null;
}

function checkObject(
  context: Context,
  path: string,
  schema: JsonObject,
  value: unknown,
  depth: number,
): Verdict {
  const properties = member(schema, "properties");
  const optional = member(schema, "optional") ?? [];
  if (!isJsonObject(properties) || !Array.isArray(optional)) return fault(context, path, "unknown_type");
  if (!isJsonObject(value)) return mismatch(context, path, "object", value);
  for (const [key, inner] of Object.entries(properties)) {
    const found = member(value, key) ?? undefined;
    if (found === undefined) {
      if (optional.includes(key)) continue;
      return fault(context, `${path}.${key}`, "missing_property");
    }
    const failure = check(context, `${path}.${key}`, inner, found, depth + 1);
    if (failure) return failure;
  }
  if (member(schema, "closed") !== true) return null;
  const extra = Object.keys(value).find((key) => !Object.hasOwn(properties, key));
  return extra === undefined ? null : fault(context, `${path}.${extra}`, "extra_property");
}

function check(context: Context, path: string, schema: unknown, value: unknown, depth: number): Verdict {
  if (!isJsonObject(schema) || depth > CLAIM_LIMITS.schemaDepth) return fault(context, path, "unknown_type");
  switch (member(schema, "type")) {
    case "number":
    case "integer":
      return checkNumber(context, path, schema, value);
    case "string":
      return checkString(context, path, schema, value);
    case "boolean":
      return typeof value === "boolean" ? null : mismatch(context, path, "boolean", value);
    case "hash":
      if (typeof value !== "string") return mismatch(context, path, "hash", value);
      return /^[0-9a-f]{64}$/.test(value) ? null : fault(context, path, "hash_malformed");
    case "enum":
      return checkEnum(context, path, schema, value);
    case "list":
      return checkList(context, path, schema, value, depth);
    case "object":
      return checkObject(context, path, schema, value, depth);
    default:
      return fault(context, path, "unknown_type");
  }
}

/**
 * Checks a value; null = it satisfies the schema. Paths start with the claim id, then `.key` and `[i]`.
 * Refusals: the `schema_…` codes with {claim, path, …}.
 */
export function checkSchema(
  claim: string,
  schema: unknown,
  value: unknown,
  units: readonly string[] = [],
): Failed | null {
  try {
    return check({ claim, units }, claim, schema, value, 0);
  } catch (error) {
    // Only a value without canonical form (a lone surrogate) can get here; it equals no choice of an enum.
    if (!(error instanceof CodedError) || error.code !== "not_canonical") throw error;
    return failed("schema_enum_violation", { claim, path: claim } satisfies Record<string, Json>);
  }
}
