/** Load on a bare ledger: as many units at once as it takes, each with entries and rows that must stay together. */

import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { Ledger, type LedgerEvent } from "../../firmware/ledger/index.ts";
import { put } from "../../firmware/ports/store.ts";
import { LEDGER_DEVICE, LEDGER_FLEET, LEDGER_HEAD_KEY, LEDGER_SEED } from "./ledger-keys.ts";
import { type Told, UNIT_ROWS, type UnitPart, unitKey } from "./lines.ts";

const WRITERS = 24;
const MOST_PARTS = 12;
/** Entries that pruning leaves, so that each verification looks at a bounded log. */
const KEPT = 2000;

const eventOf = (part: UnitPart): LedgerEvent => ({
  kind: "config_change",
  actor: "daemon",
  severity: "info",
  data: { name: part.unit, old: part.part, new: part.of, text: "x".repeat(20 + ((part.part * 37) % 160)) },
});

/** @param judged size of the log that has been looked at: only what lies below is pruned. */
export async function loadLedger(dir: string, judged: number, tell: (told: Told) => void): Promise<void> {
  const entropy = new SystemEntropy();
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
  const store = await LevelStore.open(dir, { create: true });
  const signer = keyPairFromSeed(LEDGER_SEED);
  const names = { fleet: LEDGER_FLEET, device: LEDGER_DEVICE };
  const ledger = await Ledger.open({
    store,
    clock,
    ...names,
    headKey: LEDGER_HEAD_KEY,
    signer,
    simulated: false,
  });
  tell({ t: "up" });

  const write = async (): Promise<void> => {
    const unit = Buffer.from(entropy.bytes(6)).toString("hex");
    const of = 1 + entropy.below(MOST_PARTS);
    const parts = Array.from({ length: of }, (_, part): UnitPart => ({ unit, part, of }));
    const ops = parts.map(({ part }) => put(UNIT_ROWS, unitKey(unit, part), new Uint8Array(32).fill(of)));
    const urgent = entropy.below(3) === 0;
    const receipts = await ledger.commit({ events: parts.map(eventOf), ops }, { urgent });
    const last = receipts.at(-1);
    if (last) tell({ t: "unit", id: unit, index: last.index, hash: last.hash });
  };
  const writer = async (): Promise<never> => {
    for (;;) await write();
  };
  const keeper = async (): Promise<never> => {
    for (;;) {
      await clock.sleep(5 + entropy.below(40));
      const note = await ledger.checkpoint();
      const size = Number(note.split("\n")[1]);
      tell({ t: "checkpoint", size, note });
      await ledger.prune({ largestWitnessed: size, firstIndexToKeep: Math.min(judged, size - KEPT) });
    }
  };
  await Promise.all([...Array.from({ length: WRITERS }, writer), keeper()]);
}
