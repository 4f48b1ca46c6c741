/** JSON that comes from a command line or a file: sized before it is parsed, and strictly read. */
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { CONTROL_LIMITS } from "../core/limits.ts";
import { parseJson, parseJsonText } from "../core/parse-json.ts";
import { UsageError } from "./errors.ts";
import type { Session } from "./session.ts";

/** A JSON object of an option. @throws UsageError. */
export function jsonObject(text: string, name: string): JsonObject {
  try {
    const value = parseJsonText(text, {
      maxBytes: CONTROL_LIMITS.argumentBytes,
      maxDepth: CONTROL_LIMITS.argumentDepth,
    });
    if (isJsonObject(value)) return value;
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new UsageError(`${name} is not valid JSON: ${error.message}`, `quote it: ${name} '{"a":1}'.`);
  }
  throw new UsageError(`${name} must be a JSON object.`, `for example ${name} '{"a":1}'.`);
}

/** @throws CodedError `not_found`, `too_large`, `malformed`. */
export async function jsonFile(
  session: Session,
  path: string,
  limits: { readonly maxBytes: number; readonly maxDepth: number },
): Promise<Json> {
  return parseJson(await session.io.files.read(session.path(path), limits.maxBytes), limits);
}

export const objectIn = (value: Json | undefined): JsonObject =>
  value !== undefined && isJsonObject(value) ? value : {};
export const rowsIn = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? value.filter((row): row is JsonObject => isJsonObject(row)) : [];
