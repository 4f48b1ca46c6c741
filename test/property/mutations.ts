/** Hostile input out of good input: documents and bytes with a few things changed. */
import fc from "fast-check";
import { expect } from "vitest";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";

const nested = (depth: number, wrap: (inner: Json) => Json): Json => {
  let value: Json = 1;
  for (let i = 0; i < depth; i++) value = wrap(value);
  return value;
};

/** Keys that a careless reader finds on every object. */
export const PROTOTYPE_KEYS = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf"] as const;

/** Values that hurt careless readers. */
export const HOSTILE_VALUES: readonly Json[] = [
  null,
  true,
  "",
  "\ud800",
  "\u0000",
  "**".repeat(40),
  "x".repeat(5000),
  "__proto__",
  "constructor",
  "$.payload.__proto__",
  "reg:toString",
  0,
  -0,
  -1,
  0.1,
  2 ** 31,
  2 ** 53,
  1e308,
  -1e308,
  [],
  {},
  [null],
  Array.from({ length: 2000 }, (_, i) => i),
  nested(40, (inner) => [inner]),
  nested(40, (inner) => ({ a: inner })),
  nested(600, (inner) => [inner]),
  JSON.parse('{"__proto__":{"polluted":true},"constructor":1,"toString":[]}'),
];

const hostile = fc.oneof(
  fc.constantFrom(...HOSTILE_VALUES),
  fc.jsonValue({ maxDepth: 2 }).map((value) => value as Json),
);
const hostileKey = fc.oneof(fc.constantFrom(...PROTOTYPE_KEYS, "", "\ud800", "a/b", "~1"), fc.string());

/** Deeper values are changed as a whole. */
const MAX_PATH = 24;

type Path = readonly (string | number)[];

function pathsOf(value: Json, at: Path = [], found: Path[] = []): Path[] {
  found.push(at);
  if (at.length >= MAX_PATH) return found;
  if (Array.isArray(value)) for (const [i, item] of value.entries()) pathsOf(item, [...at, i], found);
  else if (isJsonObject(value))
    for (const [key, item] of Object.entries(value)) pathsOf(item, [...at, key], found);
  return found;
}

/** Assigns also a member named `__proto__` as a plain one. */
function withMember(object: JsonObject, key: string, value: Json): JsonObject {
  const copy: Record<string, Json> = {};
  for (const [name, item] of [...Object.entries(object), [key, value] as const])
    Object.defineProperty(copy, name, { value: item, enumerable: true, configurable: true, writable: true });
  return copy;
}

function changedAt(value: Json, path: Path, change: (at: Json) => Json): Json {
  const [step, ...rest] = path;
  if (step === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((item, i) => (i === step ? changedAt(item, rest, change) : item));
  if (!isJsonObject(value)) return value;
  return withMember(value, String(step), changedAt(value[step] ?? null, rest, change));
}

const mutation = fc.record({
  where: fc.nat(),
  kind: fc.constantFrom("replace", "add", "remove", "double"),
  key: hostileKey,
  value: hostile,
});

function mutate(
  document: Json,
  { where, kind, key, value }: typeof mutation extends fc.Arbitrary<infer T> ? T : never,
): Json {
  const paths = pathsOf(document);
  const path = paths[where % paths.length] ?? [];
  return changedAt(document, path, (at) => {
    if (kind === "add" && Array.isArray(at)) return [...at, value];
    if (kind === "add" && isJsonObject(at)) return withMember(at, key, value);
    if (kind === "remove" && Array.isArray(at)) return at.slice(1);
    if (kind === "remove" && isJsonObject(at)) return Object.fromEntries(Object.entries(at).slice(1));
    if (kind === "double" && Array.isArray(at)) return [...at, ...at];
    return value;
  });
}

/** A good document with one to three changes anywhere in it. */
export const mutated = (document: Json): fc.Arbitrary<Json> =>
  fc
    .array(mutation, { minLength: 1, maxLength: 3 })
    .map((changes) => changes.reduce<Json>((value, change) => mutate(value, change), document));

/** Good bytes with bits flipped, cut off, repeated or with others put in between. */
export const mutatedBytes = (bytes: Uint8Array): fc.Arbitrary<Uint8Array> => {
  const at = fc.nat({ max: Math.max(0, bytes.length - 1) });
  return fc.oneof(
    fc.array(fc.tuple(at, fc.nat({ max: 7 })), { minLength: 1, maxLength: 4 }).map((flips) => {
      const copy = bytes.slice();
      for (const [index, bit] of flips) copy[index] = (copy[index] ?? 0) ^ (1 << bit);
      return copy;
    }),
    at.map((length) => bytes.slice(0, length)),
    fc
      .tuple(at, fc.uint8Array({ maxLength: 16 }))
      .map(([index, inserted]) =>
        Uint8Array.from([...bytes.subarray(0, index), ...inserted, ...bytes.subarray(index)]),
      ),
    at.map((index) => Uint8Array.from([...bytes, ...bytes.subarray(index)])),
  );
};

/** What `act` gives, or the typed error it throws; any other error fails the test. */
export function typed<T>(act: () => T): T | CodedError {
  try {
    return act();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

export async function typedLater<T>(act: () => Promise<T>): Promise<T | CodedError> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

/** Fails if the work took longer. The bound is generous: it tells linear from endless, not fast from slow. */
export function within<T>(ms: number, act: () => T): T {
  const start = performance.now();
  const result = act();
  expect(performance.now() - start).toBeLessThan(ms);
  return result;
}

/** Nothing that was read may have reached the prototypes. */
export function expectCleanPrototypes(): void {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
}
