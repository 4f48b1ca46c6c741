/** What is appended: events whose entry has exactly 250 bytes, and one reading as sealed evidence beside each. */
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { RunEvidence, SourceRegistry } from "../../../firmware/evidence/index.ts";
import type { LedgerEvent } from "../../../firmware/ledger/index.ts";
import type { Clock } from "../../../firmware/ports/clock.ts";
import type { StoreOp } from "../../../firmware/ports/store.ts";

/** Bytes of the canonical form of an entry, the leaf of the tree. */
export const ENTRY_BYTES = 250;

const DIGITS = 9;

const unpadded = (n: number, text: string): LedgerEvent => ({
  kind: "config_change",
  actor: "daemon",
  severity: "info",
  data: { name: `p${String(n).padStart(DIGITS, "0")}`, new: 1, old: 0, text },
});

const entryText = (event: LedgerEvent, prevHash: string, ts: number): string =>
  canonicalize({ event: { ...event, data: { ...event.data } }, prev_hash: prevHash, ts } as never);

const PAD = "x".repeat(ENTRY_BYTES - entryText(unpadded(0, ""), "0".repeat(64), 1_700_000_000_000).length);

export const eventOf = (n: number): LedgerEvent => unpadded(n, PAD);

/** The entry a peer stores: the same 250 bytes. */
export const textOf = (n: number, prevHash: string): string =>
  entryText(eventOf(n), prevHash, 1_700_000_000_000);

const SEALER = { kid: "bench", key: new Uint8Array(32).fill(3) };
const sources = new SourceRegistry({ simulated: false });

/** One sealed record of a reading for each entry of a group, as rows of its batch. */
export function evidenceOps(first: number, count: number, clock: Clock): readonly StoreOp[] {
  const run = new RunEvidence({
    runId: `r${String(first).padStart(20, "0")}`,
    subject: "program:bench",
    deviceId: "imu-0011223344556677",
    policyHash: "c".repeat(64),
    clock,
    sources,
    sealer: SEALER,
    maxPerRun: count,
  });
  for (let i = 0; i < count; i++) {
    const payload = { value: 20 + i / 8, unit: "Cel", raw: 390 + i, quality: "ok" };
    run.record({ kind: "sensor_reading", source: "i2c://1/0x76/temperature", payload });
  }
  return run.ops();
}
