import { utf8 } from "../../firmware/core/bytes.ts";
import { type Ed25519KeyPair, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import type { LedgerWriter } from "../../firmware/ledger/types.ts";
import type { Store } from "../../firmware/ports/store.ts";
import { type Roster, readRoster, type SyncEvent, SyncService } from "../../firmware/sync/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryBroker } from "../support/memory-bus.ts";

export const FLEET = "plant-7";
export const pairOf = (id: string): Ed25519KeyPair => keyPairFromSeed(sha256(utf8(id)));

export interface DeviceOverride {
  readonly status?: string;
  readonly revokedAfter?: Record<string, number>;
}

export function rosterDocument(
  ids: readonly string[],
  version = 1,
  overrides: Record<string, DeviceOverride> = {},
) {
  return {
    schema: "imu.roster/1",
    version,
    issuedAt: 0,
    expiresAt: 4_000_000_000_000,
    fleet: FLEET,
    devices: ids.map((id) => ({
      id,
      keyId: keyIdOf(pairOf(id).publicKeyHex),
      publicKey: pairOf(id).publicKeyHex,
      alias: null,
      board: "pi-4b",
      groups: [],
      ring: "prod",
      status: "active",
      enrolledAt: 0,
      revokedAt: null,
      ...overrides[id],
    })),
    documents: [
      {
        doc: "device/<id>/state",
        type: "lwwmap",
        writers: "self",
        maxEntries: 8,
        maxBytes: 4096,
        ttlMs: null,
      },
      { doc: "shared/modes", type: "lwwmap", writers: "any", maxEntries: 64, maxBytes: 65_536, ttlMs: null },
      {
        doc: "counters/starts",
        type: "gcounter",
        writers: "any",
        maxEntries: 64,
        maxBytes: 4096,
        ttlMs: null,
      },
      { doc: "sets/tags", type: "orset", writers: "any", maxEntries: 64, maxBytes: 4096, ttlMs: null },
      {
        doc: "settings/site",
        type: "ormap",
        writers: ["dev-a"],
        maxEntries: 64,
        maxBytes: 4096,
        ttlMs: null,
      },
    ],
    groups: {},
  };
}

export const rosterOf = (
  ids: readonly string[],
  version = 1,
  overrides: Record<string, DeviceOverride> = {},
): Roster => readRoster(utf8(JSON.stringify(rosterDocument(ids, version, overrides))));

export interface Node {
  readonly id: string;
  readonly store: Store;
  readonly sync: SyncService;
  readonly events: SyncEvent[];
}

export class Fleet {
  readonly clock = new ManualClock();
  readonly broker = new MemoryBroker();
  readonly ids: readonly string[];
  roster: Roster;

  constructor(...ids: readonly string[]) {
    this.ids = ids;
    this.roster = rosterOf(ids);
  }

  committer(store: Store): Pick<LedgerWriter, "commit"> {
    return {
      commit: async ({ ops }) => {
        await store.batch(ops, { sync: true });
        return [];
      },
    };
  }

  async node(
    id: string,
    store: Store = new MemoryStore(),
    rosters: readonly [Roster, ...Roster[]] = [this.roster],
  ): Promise<Node> {
    const events: SyncEvent[] = [];
    const sync = await SyncService.open({
      store,
      committer: this.committer(store),
      bus: this.broker.client(id),
      clock: this.clock,
      entropy: new SeededEntropy("sync-test", id),
      fleet: FLEET,
      deviceId: id,
      pair: pairOf(id),
      rosters,
      onEvent: (event) => events.push(event),
    });
    await sync.start();
    return { id, store, sync, events };
  }

  async nodes(): Promise<Node[]> {
    const nodes: Node[] = [];
    for (const id of this.ids) nodes.push(await this.node(id));
    await this.clock.advance(2_100);
    return nodes;
  }

  /** Writes while the clock runs, so that the collecting time passes. */
  async write(work: Promise<unknown>): Promise<void> {
    const settled = work.then(
      () => null,
      (error: unknown) => ({ error }),
    );
    await this.clock.advance(300);
    const failure = await settled;
    if (failure) throw failure.error;
  }
}

export const topic = (rest: string): string => `imu/v1/${FLEET}/gossip/${rest}`;
