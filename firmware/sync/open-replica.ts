/** Builds the replica of a device from its store and its rosters, at a start. */
import type { LedgerWriter } from "../ledger/types.ts";
import type { Store } from "../ports/store.ts";
import { Replica } from "./replica.ts";
import { restoreReplica } from "./replica-store.ts";
import type { SyncEvent } from "./reporter.ts";
import type { Roster } from "./roster.ts";
import { chooseRosters, rosterOp, storedRosters } from "./roster-store.ts";

export interface OpenedReplica {
  readonly replica: Replica;
  /** Stored rows that did not continue their chain. */
  readonly unusable: number;
  /** What the ledger must know of the roster; null if it is the one of the last start. */
  readonly event: SyncEvent | null;
}

function changeOf(given: Roster, current: Roster, kept: readonly Roster[]): SyncEvent | null {
  const { version, devices } = current;
  if (version > given.version) {
    const data = { version, code: "list_rollback", given: given.version };
    return { kind: "roster_changed", severity: "warn", data };
  }
  const isNew = kept.length > 0 && !kept.some((roster) => roster.version === version);
  return isNew
    ? { kind: "roster_changed", severity: "info", data: { version, devices: devices.size } }
    : null;
}

/** @throws CodedError `store_corrupt` (500), and what the commit throws. */
export async function openReplica(options: {
  readonly store: Store;
  readonly committer: Pick<LedgerWriter, "commit">;
  readonly fleet: string;
  readonly rosters: readonly [Roster, ...Roster[]];
}): Promise<OpenedReplica> {
  const { store, committer, fleet } = options;
  const kept = await storedRosters(store);
  const rosters = chooseRosters(options.rosters, kept);
  const replica = new Replica(fleet, rosters);
  const unusable = await restoreReplica(store, replica);
  const ops = [...rosters.map(rosterOp), ...replica.applyRevocations()];
  await committer.commit({ events: [], ops });
  return { replica, unusable, event: changeOf(options.rosters[0], rosters[0], kept) };
}
