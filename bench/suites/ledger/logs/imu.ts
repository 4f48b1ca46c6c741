/** Our ledger as the daemon opens it: chain, tree, sealed head and checkpoints in synced batches. */
import { join } from "node:path";
import { LevelStore } from "../../../../firmware/adapters/level-store.ts";
import { SystemClock } from "../../../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../../../firmware/adapters/system-entropy.ts";
import { keyPairFromSeed } from "../../../../firmware/core/ed25519.ts";
import { Ledger, type VerifyKeys, verifyStore } from "../../../../firmware/ledger/index.ts";
import type { Clock } from "../../../../firmware/ports/clock.ts";
import type { Store } from "../../../../firmware/ports/store.ts";
import { eventOf, evidenceOps } from "../entries.ts";
import type { BenchLog, LogSource } from "./log.ts";

const HEAD_KEY = new Uint8Array(32).fill(7);

export interface ImuLog extends BenchLog {
  readonly ledger: Ledger;
  readonly store: Store;
  readonly keys: VerifyKeys;
}

export const newClock = (): Clock =>
  new SystemClock({ entropy: new SystemEntropy(), floorMs: 0, synchronised: () => true });

/** @param withEvidence whether each entry brings a sealed record of evidence along. */
export async function openImu(store: Store, withEvidence: boolean): Promise<ImuLog> {
  const clock = newClock();
  const signer = keyPairFromSeed(new Uint8Array(32).fill(9));
  const names = { fleet: "plant", device: "imu-0011223344556677" };
  const ledger = await Ledger.open({ store, clock, ...names, headKey: HEAD_KEY, signer, simulated: false });
  const keys = { logKeys: ledger.logKeys, origin: ledger.origin, headKey: HEAD_KEY };
  let next = ledger.head.size;
  return {
    ledger,
    store,
    keys,
    append: async (count) => {
      const events = Array.from({ length: count }, (_, i) => eventOf(next + i));
      const ops = withEvidence ? evidenceOps(next, count, clock) : [];
      next += count;
      await ledger.commit({ events, ops }, { urgent: true });
    },
    verify: async () => {
      const { ok, count, reason } = await verifyStore(store, keys);
      if (!ok) throw new Error(`The ledger does not verify: ${reason}`);
      return count;
    },
    [Symbol.asyncDispose]: async () => {
      await ledger.close();
      await store[Symbol.asyncDispose]();
    },
  };
}

const source = (id: string, title: string, withEvidence: boolean): LogSource => ({
  id,
  title,
  open: async (dir) => openImu(await LevelStore.open(join(dir, "db"), { create: true }), withEvidence),
});

export const imu = source("imu", "ours: chain, Merkle tree, sealed head, checkpoints; synced", false);
export const imuWithEvidence = source(
  "imu+evidence",
  "the same, and one sealed record of evidence for each entry in the same batch; synced",
  true,
);
