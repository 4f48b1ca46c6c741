import { expect, test } from "vitest";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { put } from "../../firmware/ports/store.ts";
import { Replica } from "../../firmware/sync/replica.ts";
import { restoreReplica } from "../../firmware/sync/replica-store.ts";
import { storedRosters } from "../../firmware/sync/roster-store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";

const damaged: readonly [string, Uint8Array][] = [
  ["nothing", new Uint8Array()],
  ["one byte", Uint8Array.of(0xff)],
  ["null", encodeCbor(null)],
  ["a text", encodeCbor("row")],
  ["another map", encodeCbor({ version: 1, devices: [null], documents: [] })],
  ["bytes of zeros", new Uint8Array(64)],
];
const key = (sub: string): string => (sub === "sync/roster" ? "0000000000000001" : "imu-0000000000000001");

test.each(
  ["sync/proof", "sync/batch", "sync/roster"].flatMap((sub) =>
    damaged.map(([what, value]) => [sub, what, value] as const),
  ),
)("a row of %s that holds %s is told as store_corrupt", async (sub, _what, value) => {
  const store = new MemoryStore();
  await store.batch([put(sub, key(sub), value)], { sync: true });
  const roster = { fleet: "site", version: 1, devices: new Map(), documents: [] };

  const read =
    sub === "sync/roster"
      ? storedRosters(store)
      : restoreReplica(store, new Replica("site", [roster as never]));

  await expect(read).rejects.toMatchObject({ code: "store_corrupt", status: 500 });
});
