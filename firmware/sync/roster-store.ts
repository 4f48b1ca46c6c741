/** Keeps every roster this device has used: batches are judged by the version they name, also years later. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import type { DocumentRule, Roster, RosterDevice } from "./roster.ts";

export const ROSTER_SUB = "sync/roster";

interface StoredRoster extends Omit<Roster, "devices"> {
  readonly devices: readonly RosterDevice[];
}

const keyOf = (version: number): string => String(version).padStart(16, "0");

export const rosterOp = (roster: Roster): StoreOp =>
  put(ROSTER_SUB, keyOf(roster.version), encodeCbor({ ...roster, devices: [...roster.devices.values()] }));

const isStored = (value: unknown): value is StoredRoster =>
  typeof value === "object" &&
  value !== null &&
  "version" in value &&
  "devices" in value &&
  "documents" in value &&
  Array.isArray(value.devices) &&
  value.devices.every((row: unknown) => typeof row === "object" && row !== null && "id" in row) &&
  Array.isArray(value.documents);

/** Oldest first. @throws CodedError `store_corrupt` (500) when a row is not what was written. */
export async function storedRosters(store: Store): Promise<readonly Roster[]> {
  const rosters: Roster[] = [];
  for await (const [key, bytes] of store.range(ROSTER_SUB)) {
    const value = decodeCbor(bytes);
    if (!isStored(value) || keyOf(value.version) !== key)
      throw new CodedError("store_corrupt", "A stored roster cannot be read.", { details: { key } });
    const documents: readonly DocumentRule[] = value.documents;
    rosters.push({ ...value, devices: new Map(value.devices.map((row) => [row.id, row])), documents });
  }
  return rosters;
}

/**
 * The newest of what was given and what is kept comes first: a list that devices have seen is only followed by a
 * newer one. Of one version, the given text stands.
 */
export function chooseRosters(
  given: readonly [Roster, ...Roster[]],
  kept: readonly Roster[],
): readonly [Roster, ...Roster[]] {
  const byVersion = new Map([...kept, ...[...given].reverse()].map((roster) => [roster.version, roster]));
  const [first = given[0], ...older] = [...byVersion.values()].sort((a, b) => b.version - a.version);
  return [first, ...older];
}
