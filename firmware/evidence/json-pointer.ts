/** RFC 6901 over JSON values. */
import { isJsonObject, type Json } from "../core/json.ts";

/** The value a pointer names, or undefined if it is malformed or names nothing. Own members only. */
export function resolvePointer(document: Json, pointer: string): Json | undefined {
  if (pointer === "") return document;
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined;
  let value: Json | undefined = document;
  for (const token of pointer.slice(1).split("/")) {
    const key = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(value)) {
      value = /^(0|[1-9][0-9]{0,9})$/.test(key) ? (value[Number(key)] as Json | undefined) : undefined;
    } else if (isJsonObject(value)) {
      value = Object.hasOwn(value, key) ? value[key] : undefined;
    } else {
      return undefined;
    }
    if (value === undefined) return undefined;
  }
  return value;
}
