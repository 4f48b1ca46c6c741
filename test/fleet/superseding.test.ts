/** Messages of which only the newest is worth sending: fingerprints of checkpoints (ledger.md 9). */
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import { gapReporter, Outbox, type OutboxDraft } from "../../firmware/fleet/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { RecordingCommitter, topics } from "./device.ts";
import { FakeBus } from "./fake-bus.ts";
import { entropy, silentLog } from "./support.ts";

async function build() {
  const store = new MemoryStore();
  const clock = new ManualClock();
  const bus = new FakeBus();
  const committer = new RecordingCommitter(store);
  const device = { id: "imu-a", bootId: clock.bootId, simulated: true };
  const options = {
    store,
    committer,
    bus,
    clock,
    entropy,
    log: silentLog,
    gapMessage: gapReporter(device, topics, clock),
  };
  const outbox = new Outbox(options);
  await outbox.start();
  return { store, clock, bus, committer, outbox, options };
}

const newest = (id: string, topic = "checkpoint"): OutboxDraft => ({
  topic,
  class: "logic",
  body: utf8(id),
  id,
  idem: id,
  supersedes: true,
});

const plain = (id: string): OutboxDraft => ({
  topic: "fingerprint",
  class: "logic",
  body: utf8(id),
  id,
  idem: id,
});

const bodies = (bus: FakeBus): string[] => bus.sent.map(({ payload }) => fromUtf8(payload));

async function rows(store: MemoryStore): Promise<number> {
  let count = 0;
  for await (const _ of store.range("outbox")) count++;
  return count;
}

describe("a message that supersedes older ones", () => {
  it("takes their place on its topic alone, in the store too, and counts as no loss", async () => {
    const { store, clock, bus, outbox } = await build();
    await outbox.enqueue(plain("other"));
    for (const id of ["c1", "c2", "c3"]) await outbox.enqueue(newest(id));

    expect(outbox.stats).toMatchObject({ depth: 2, dropped: { logic: 0 } });
    expect(await rows(store)).toBe(2);
    bus.set("online");
    await clock.advance(10);
    expect(bodies(bus).sort()).toEqual(["c3", "other"]);
  });

  it("is what an earlier life left, if nothing newer comes", async () => {
    const { clock, bus, outbox, options } = await build();
    for (const id of ["c1", "c2"]) await outbox.enqueue(newest(id));
    await outbox[Symbol.asyncDispose]();
    const next = new Outbox(options);
    await next.start();
    await next.enqueue(newest("c3"));
    bus.set("online");
    await clock.advance(10);
    expect(bodies(bus)).toEqual(["c3"]);
  });

  it("gives the place back if its batch fails", async () => {
    const { clock, bus, outbox } = await build();
    await outbox.enqueue(newest("c1"));
    outbox.stage(newest("c2")).cancel();
    bus.set("online");
    await clock.advance(10);
    expect(bodies(bus)).toEqual(["c1"]);
  });
});
