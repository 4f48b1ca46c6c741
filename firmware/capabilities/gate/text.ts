/** Texts for people: fallback replies and summaries of arguments (capabilities.md 4 and 13). */
import { canonicalize } from "../../core/canonical-json.ts";
import { isJsonObject, type Json } from "../../core/json.ts";

const SECRET_WORD = /secret|token|password|passphrase|credential|private/i;
const SECRET_END = /(?:api_key|apikey|access_key|auth_key)$/i;
const SUMMARY_LENGTH = 180;

/** `[ACTION] <howTo>`: another actor must do something. */
export const actionText = (howTo: string): string => `[ACTION] ${howTo}`;

function redacted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => redacted(item));
  if (!isJsonObject(value)) return value;
  const pairs = Object.entries(value).map(([name, inner]): [string, Json] => [
    name,
    SECRET_WORD.test(name) || SECRET_END.test(name) ? "[REDACTED]" : redacted(inner),
  ]);
  return Object.fromEntries(pairs);
}

/** Canonical arguments without secrets, cut to 180 code points. */
export function argsSummary(args: Json): string {
  return [...canonicalize(redacted(args))].slice(0, SUMMARY_LENGTH).join("");
}
