/** Secrets never enter the ledger (ledger.md 1). */
import { utf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { hmacSha256Hex } from "../core/hash.ts";
import type { Json } from "../core/json.ts";

const PREFIX = utf8("imu.redact.v1\n");

const mark = (key: Uint8Array, value: Json): Json => ({
  $redacted: hmacSha256Hex(key, PREFIX, jcs(value)).slice(0, 16),
});

function replaceAt(value: Json, path: readonly string[], key: Uint8Array): Json {
  const [step, ...rest] = path;
  if (step === undefined) return mark(key, value);
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return value;
  if (Array.isArray(value)) {
    return value.map((item, i) => (String(i) === step ? replaceAt(item, rest, key) : item));
  }
  const members = Object.entries(value).map(([name, item]) => [
    name,
    name === step ? replaceAt(item, rest, key) : item,
  ]);
  return Object.fromEntries(members) as Json;
}

/**
 * Replaces the values at the given RFC 6901 pointers by keyed digests, so that equal secrets stay comparable.
 * Pointers to nothing are ignored.
 * @param key the redaction key, 32 bytes.
 */
export function redact(data: Json, secretPaths: readonly string[], key: Uint8Array): Json {
  return secretPaths.reduce<Json>((value, pointer) => {
    const steps = pointer === "" ? [] : pointer.slice(1).split("/");
    const path = steps.map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
    return replaceAt(value, path, key);
  }, data);
}
