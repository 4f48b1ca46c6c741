/**
 * What a value has that a similar one has not. Rows that repeat each other but for a few members are kept as such
 * differences, so that a device that does the same thing every second does not write the same bytes every second.
 *
 * A difference is 0 (no difference), [value] (something else altogether), or [index, difference, index, difference …] with
 * the places of the members that differ: of a list by position, of an object by the order of its keys.
 */
import { CodedError } from "./errors.ts";

/** JSON with octets, as CBOR has it. */
export type Octets =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly Octets[]
  | { readonly [name: string]: Octets };

const SAME = 0;
const DEPTH = 64;

const isList = (value: Octets): value is readonly Octets[] => Array.isArray(value);

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function haveSameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The difference that `patched` turns back into the value. */
export function deltaOf(value: Octets, base: Octets): Octets {
  if (Object.is(value, base)) return SAME;
  if (typeof value !== "object" || typeof base !== "object" || value === null || base === null)
    return [value];
  if (value instanceof Uint8Array || base instanceof Uint8Array) {
    const areSame = value instanceof Uint8Array && base instanceof Uint8Array && equalBytes(value, base);
    return areSame ? SAME : [value];
  }
  if (isList(value)) {
    if (!isList(base) || base.length !== value.length) return [value];
    return changes(value, base);
  }
  if (isList(base)) return [value];
  const keys = Object.keys(value);
  if (!haveSameKeys(keys, Object.keys(base))) return [value];
  return changes(Object.values(value), Object.values(base));
}

function changes(values: readonly Octets[], bases: readonly Octets[]): Octets {
  const changed: Octets[] = [];
  for (let i = 0; i < values.length; i++) {
    const delta = deltaOf(values[i] as Octets, bases[i] as Octets);
    if (delta !== SAME) changed.push(i, delta);
  }
  return changed.length === 0 ? SAME : changed;
}

function malformed(): never {
  throw new CodedError("store_corrupt", "A difference does not fit the value it was made from.");
}

/** The value that a difference stands for. @throws CodedError `store_corrupt` (500) if it does not fit `base`. */
export const patched = (delta: unknown, base: Octets): Octets => patch(delta, base, 0);

function patch(delta: unknown, base: Octets, depth: number): Octets {
  if (delta === SAME) return base;
  if (!Array.isArray(delta) || delta.length === 0 || depth > DEPTH) malformed();
  if (delta.length === 1) return delta[0] as Octets;
  if (delta.length % 2 !== 0 || typeof base !== "object" || base === null || base instanceof Uint8Array)
    malformed();
  const values = isList(base) ? [...base] : Object.values(base);
  for (let i = 0; i < delta.length; i += 2) {
    const at: unknown = delta[i];
    if (!Number.isInteger(at) || Number(at) < 0 || Number(at) >= values.length) malformed();
    values[Number(at)] = patch(delta[i + 1], values[Number(at)] as Octets, depth + 1);
  }
  if (isList(base)) return values;
  // Members of their own, whatever they are called.
  return Object.fromEntries(Object.keys(base).map((name, i) => [name, values[i] as Octets]));
}
