/** Rows that others are the difference to: reading them, and removing those that nothing names any more. */
import { decodeCbor } from "../core/cbor.ts";
import { baseIdOf } from "../core/delta-bases.ts";
import { CodedError } from "../core/errors.ts";
import type { Octets } from "../core/json-delta.ts";
import { del, type Store } from "../ports/store.ts";

/** A base, re-hashed. @throws CodedError `store_corrupt` if it is missing or altered. */
export async function readBase(store: Store, sub: string, id: string): Promise<Octets> {
  const bytes = await store.get(sub, id);
  if (bytes !== undefined && baseIdOf(bytes) === id) return decodeCbor(bytes) as Octets;
  throw new CodedError("store_corrupt", "What a row is the difference to is missing or altered.", {
    details: { key: `${sub}!${id}` },
  });
}

export interface BaseRemoval {
  readonly store: Store;
  readonly sub: string;
  /** Bases that rows name. */
  readonly named: ReadonlySet<string>;
  /** Bases that no row named the last time. One is removed when that is so twice: a settlement may be on its way. */
  readonly unnamedBefore?: ReadonlySet<string>;
  /** Written, or named by what was written, since `named` was gathered; see `ContentWatch`. */
  readonly touched?: ReadonlySet<string>;
  readonly breathe?: () => Promise<void>;
}

export interface RemainingBases {
  /** For the next time. */
  readonly unnamed: ReadonlySet<string>;
  readonly keptBytes: number;
}

/** @throws CodedError of the store; what `breathe` throws. */
export async function removeBases(removal: BaseRemoval): Promise<RemainingBases> {
  const { store, sub, named, unnamedBefore, touched, breathe } = removal;
  const unnamed = new Set<string>();
  const gone: string[] = [];
  let keptBytes = 0;
  for await (const [id, bytes] of store.range(sub)) {
    await breathe?.();
    if (!named.has(id) && unnamedBefore?.has(id)) {
      gone.push(id);
      continue;
    }
    if (!named.has(id)) unnamed.add(id);
    keptBytes += id.length + bytes.length;
  }
  // Looked at and handed over in one turn, as whoever writes meanwhile must be seen.
  const ops = gone.filter((id) => !touched?.has(id)).map((id) => del(sub, id));
  if (ops.length > 0) await store.batch(ops, { sync: false });
  return { unnamed, keptBytes };
}
