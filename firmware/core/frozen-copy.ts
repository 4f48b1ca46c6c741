import type { Json } from "./json.ts";

/** A copy of a value that has a canonical form, which nobody can alter any more. */
export function frozenCopy(value: Json): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item: Json) => frozenCopy(item)));
  const copy: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value)) {
    if (name === "__proto__")
      Object.defineProperty(copy, name, { value: frozenCopy(item), enumerable: true });
    else copy[name] = frozenCopy(item);
  }
  return Object.freeze(copy);
}
