/** Mutations of JSON documents: a node is replaced, removed, doubled, moved or nested; the document stays JSON. */
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import type { Random } from "./random.ts";

/** A place in a document: the container and the key or index in it. */
interface Place {
  readonly path: readonly (string | number)[];
  readonly value: Json;
}

export function placesOf(root: Json): readonly Place[] {
  const places: Place[] = [{ path: [], value: root }];
  for (let i = 0; i < places.length; i++) {
    const { path, value } = places[i] as Place;
    const isList = Array.isArray(value);
    if (!isList && !isJsonObject(value)) continue;
    for (const [key, item] of Object.entries(value) as [string, Json][]) {
      places.push({ path: [...path, isList ? Number(key) : key], value: item });
    }
  }
  return places;
}

/** A copy with another value at the path; `undefined` removes it. Shares what does not change. */
export function replaced(root: Json, path: readonly (string | number)[], value: Json | undefined): Json {
  const [first, ...rest] = path;
  if (first === undefined) return value ?? null;
  if (Array.isArray(root)) {
    const out = [...(root as readonly Json[])];
    if (rest.length === 0 && value === undefined) out.splice(Number(first), 1);
    else out[Number(first)] = replaced(out[Number(first)] ?? null, rest, value);
    return out;
  }
  const entries = isJsonObject(root) ? Object.entries(root) : [];
  return Object.fromEntries(
    entries.flatMap(([key, item]): [string, Json][] => {
      if (key !== String(first)) return [[key, item]];
      return rest.length === 0 && value === undefined ? [] : [[key, replaced(item, rest, value)]];
    }),
  );
}

const nested = (value: Json, levels: number): Json => (levels === 0 ? value : [nested(value, levels - 1)]);

function mutateOnce(root: Json, other: Json, random: Random, dictionary: readonly Json[]): Json {
  const places = placesOf(root);
  const { path, value } = random.pick(places);
  switch (random.below(8)) {
    case 0:
    case 1:
      return replaced(root, path, random.pick(dictionary));
    case 2:
      return replaced(root, path, random.pick(placesOf(other)).value);
    case 3:
      return replaced(root, path, random.pick(places).value);
    case 4:
      return replaced(root, path, path.length === 0 ? null : undefined);
    case 5:
      return replaced(root, path, nested(value, 1 + random.below(20)));
    case 6:
      return replaced(root, path, grown(value, random, dictionary));
    default:
      return replaced(
        root,
        path,
        typeof value === "string" ? changed(value, random) : random.pick(dictionary),
      );
  }
}

/** An array with an item doubled or moved, an object with one more member. */
function grown(value: Json, random: Random, dictionary: readonly Json[]): Json {
  if (Array.isArray(value) && value.length > 0) {
    const out = [...(value as readonly Json[])];
    const item = random.pick(out);
    out.splice(random.below(out.length + 1), random.below(2), item);
    return out;
  }
  if (!isJsonObject(value)) return [value, value];
  const key = random.pick(dictionary.filter((word) => typeof word === "string"));
  return Object.fromEntries([...Object.entries(value), [key, random.pick(dictionary)]]) as Json;
}

function changed(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const insert = random.pick([
    "",
    "x",
    "😀",
    "\ud800",
    "\u2028",
    "__proto__",
    "0",
    " ",
    "\0",
    "x".repeat(70),
  ]);
  return text.slice(0, at) + insert + text.slice(at + random.below(3));
}

export function mutateJson(root: Json, other: Json, random: Random, dictionary: readonly Json[]): Json {
  let out = root;
  for (let n = 1 + random.below(3); n > 0; n--) out = mutateOnce(out, other, random, dictionary);
  return out;
}

/** Without one node, or with a node in the place of its parent; larger nodes first. */
export function* simplerJson(root: Json): Generator<Json> {
  for (const { path, value } of placesOf(root)) {
    if (!Array.isArray(value) || value.length < 4) continue;
    const list = value as readonly Json[];
    for (let size = list.length >> 1; size > 1; size >>= 1) {
      for (let at = 0; at < list.length; at += size) {
        yield replaced(root, path, [...list.slice(0, at), ...list.slice(at + size)]);
      }
    }
  }
  for (const { path } of placesOf(root)) if (path.length > 0) yield replaced(root, path, undefined);
  for (const { path, value } of placesOf(root)) {
    if (typeof value === "string" && value.length > 1)
      yield replaced(root, path, value.slice(0, value.length >> 1));
    else if (typeof value === "number" && value !== 0) yield replaced(root, path, 0);
    else if (path.length > 0 && value !== null && typeof value === "object") {
      for (const item of Object.values(value) as readonly Json[]) yield replaced(root, path, item);
    }
  }
}
