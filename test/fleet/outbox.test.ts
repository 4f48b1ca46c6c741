import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromUtf8, utf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { gapReporter, Outbox, type OutboxDraft, type OutboxOptions } from "../../firmware/fleet/index.ts";
import { type OutboxMeta, OutboxQueue } from "../../firmware/fleet/outbox-queue.ts";
import type { Store } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { RecordingCommitter, topics } from "./device.ts";
import { FakeBus } from "./fake-bus.ts";
import { entropy, silentLog } from "./support.ts";

async function build(options: Partial<OutboxOptions> = {}) {
  const store = options.store ?? new MemoryStore();
  const clock = new ManualClock();
  const bus = new FakeBus();
  const committer = new RecordingCommitter(store);
  const device = { id: "imu-a", bootId: clock.bootId, simulated: true };
  const gapMessage = gapReporter(device, topics, clock);
  const outbox = new Outbox({
    committer,
    bus,
    clock,
    entropy,
    log: silentLog,
    gapMessage,
    ...options,
    store,
  });
  await outbox.start();
  return { store, clock, bus, committer, outbox };
}

const logic = (id: string, topic = "e"): OutboxDraft => ({
  topic,
  class: "logic",
  body: utf8(id),
  id,
  idem: id,
});
const telemetry = (id: string, topic = "t"): OutboxDraft => ({
  topic,
  class: "telemetry",
  body: utf8(id),
  id,
});
async function rows(store: Store, sub: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const [key] of store.range(sub)) keys.push(key);
  return keys;
}
const bodies = (bus: FakeBus): string[] => bus.sent.map(({ payload }) => fromUtf8(payload));

describe("the outbox", () => {
  it("lets no reading go while events queue behind one in flight, but not for events in backoff", () => {
    const queue = new OutboxQueue({ maxItems: 10, maxBytes: 1000, keepNew: new Set() });
    const put = (seq: number, flow: OutboxMeta["class"], topic: string) => {
      const id = String(seq);
      queue.admit({ seq, id, idem: null, bodyHash: id, topic, class: flow, bytes: 1, expiresMs: null });
      queue.confirm(seq);
    };
    put(0, "telemetry", "t");
    put(1, "logic", "e");
    put(2, "logic", "e");

    expect(queue.take(0)?.seq).toBe(1);
    expect(queue.take(0)).toBeNull();
    queue.remove(1);
    expect(queue.take(0)?.seq).toBe(2);
    queue.release(2, 5000, 1);
    expect(queue.take(0)?.seq).toBe(0);
    queue.remove(0);
    expect(queue.take(0)).toBeNull();
    expect(queue.take(5000)?.seq).toBe(2);
  });

  it("sends a message only after the batch of its cause is durable", async () => {
    const { bus, outbox, store, clock } = await build();
    bus.set("online");
    const staged = outbox.stage(logic("a"));
    await clock.advance(1000);
    expect(bus.sent).toEqual([]);
    await store.batch(staged.ops, { sync: true });
    staged.confirm();
    await clock.advance(1);
    expect(bodies(bus)).toEqual(["a"]);
  });

  it("forgets a message whose batch failed, and gives evicted ones their place back", async () => {
    const { bus, outbox, committer, clock } = await build({ maxItems: 1 });
    await outbox.enqueue(telemetry("kept"));
    committer.failing = true;
    await expect(outbox.enqueue(logic("lost"))).rejects.toThrow("no space");
    expect(outbox.stats).toMatchObject({ depth: 1, dropped: { telemetry: 0 } });
    bus.set("online");
    await clock.advance(1);
    expect(bodies(bus)).toEqual(["kept"]);
  });

  it("keeps unacknowledged messages over a restart and does not repeat acknowledged ones", async () => {
    const first = await build();
    first.bus.answer = async ({ topic }, signal) => {
      if (topic !== "stuck") return;
      await new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    };
    first.bus.set("online");
    await first.outbox.enqueue(logic("acknowledged"));
    await first.outbox.enqueue(logic("unacknowledged", "stuck"));
    await first.clock.advance(1);
    await first.outbox[Symbol.asyncDispose]();
    const second = await build({ store: first.store });
    second.bus.set("online");
    await second.clock.advance(1);
    expect(bodies(second.bus)).toEqual(["unacknowledged"]);
  });

  it("holds the topic of a failed message, not the others, and tries again after a growing pause", async () => {
    const { bus, outbox, clock } = await build();
    let failures = 2;
    bus.answer = async ({ topic }) => {
      if (topic === "bad" && failures-- > 0) throw new CodedError("link_down", "gone", { status: 503 });
    };
    bus.set("online");
    await outbox.enqueue(logic("1", "bad"));
    await outbox.enqueue(logic("2", "bad"));
    await outbox.enqueue(logic("3", "good"));
    await clock.advance(999);
    expect(bodies(bus)).toEqual(["3"]);
    await clock.advance(1500);
    expect(bodies(bus)).toEqual(["3"]);
    await clock.advance(1000);
    expect(bodies(bus)).toEqual(["3", "1", "2"]);
  });

  it("sets no timer while the link is down: a message whose pause is over waits for the link alone", async () => {
    const clock = new ManualClock();
    let armed = 0;
    const counting = Object.assign(Object.create(clock) as ManualClock, {
      wallMs: () => clock.wallMs(),
      monoMs: () => clock.monoMs(),
      after: (ms: number, callback: () => void) => {
        armed++;
        return clock.after(ms, callback);
      },
    });
    const { bus, outbox } = await build({ clock: counting });
    bus.answer = async () => {
      bus.set("offline");
      throw new CodedError("link_down", "gone", { status: 503 });
    };
    bus.set("online");
    await outbox.enqueue(logic("a"));
    await clock.advance(1);
    armed = 0;
    await clock.advance(60_000);
    expect(armed).toBe(0);
    bus.answer = async () => undefined;
    bus.set("online");
    await clock.advance(1);
    expect(bodies(bus)).toEqual(["a"]);
  });

  it("takes a message back when the broker does not answer within the lease", async () => {
    const { bus, outbox, clock } = await build();
    let silent = true;
    bus.answer = (_message, signal) =>
      silent
        ? new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)))
        : Promise.resolve();
    bus.set("online");
    await outbox.enqueue(logic("a"));
    await clock.advance(9999);
    expect(outbox.stats.inFlight).toBe(1);
    silent = false;
    await clock.advance(1002);
    expect(bodies(bus)).toEqual(["a"]);
  });

  it("buries what the broker refuses for good, and what it refused twenty times", async () => {
    const { bus, outbox, clock, store } = await build();
    bus.answer = async ({ topic }) => {
      throw new CodedError("publish_refused", "no", { details: { permanent: topic === "never" } });
    };
    bus.set("online");
    await outbox.enqueue(logic("a", "never"));
    await outbox.enqueue(logic("b", "later"));
    await clock.advance(1);
    expect(outbox.stats).toMatchObject({ dead: 1, depth: 1 });
    await clock.advance(20 * 300_000);
    expect(outbox.stats).toMatchObject({ dead: 2, depth: 0 });
    expect((await rows(store, "outbox_dead")).length).toBe(2);
    expect((await rows(store, "outbox")).length).toBe(0);
  });

  it("drops what is past its time instead of sending it, and reports the gap when the link is back", async () => {
    const { bus, outbox, clock, committer, store } = await build();
    await outbox.enqueue({ ...telemetry("old"), expiresMs: clock.wallMs() + 500 });
    await outbox.enqueue(telemetry("fresh"));
    await clock.advance(2000);
    bus.set("online");
    await clock.advance(1);
    expect(bodies(bus).filter((body) => !body.includes("outbox_gap"))).toEqual(["fresh"]);
    const report = bus.sent.find(({ topic }) => topic === topics.event("outbox_gap"));
    expect(JSON.parse(fromUtf8(report?.payload ?? new Uint8Array()))).toMatchObject({
      name: "outbox_gap",
      data: { class: "telemetry", count: 1 },
    });
    expect(committer.events).toMatchObject([{ kind: "outbox_gap", data: { class: "telemetry", count: 1 } }]);
    expect((await rows(store, "outbox_gaps")).length).toBe(0);
  });

  it("never evicts what is in flight, since the broker may have it already", async () => {
    const { bus, outbox, clock } = await build({ maxItems: 1 });
    bus.answer = (_message, signal) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason)));
    bus.set("online");
    await outbox.enqueue(telemetry("flying"));
    await clock.advance(1);
    await expect(outbox.enqueue(logic("a"))).rejects.toMatchObject({ code: "outbox_full" });
    expect(outbox.stats).toMatchObject({ depth: 1, inFlight: 1 });
    await outbox[Symbol.asyncDispose]();
  });

  it("refuses logic when it is full of logic, and a second body under one idempotency key", async () => {
    const { outbox } = await build({ maxItems: 2 });
    await outbox.enqueue(logic("a"));
    expect(await outbox.enqueue({ ...logic("a"), id: "other" })).toEqual({ outcome: "duplicate", id: "a" });
    await expect(outbox.enqueue({ ...logic("a"), body: utf8("b") })).rejects.toMatchObject({
      code: "idempotency_conflict",
      status: 409,
    });
    await outbox.enqueue(logic("b"));
    await expect(outbox.enqueue(logic("c"))).rejects.toMatchObject({ code: "outbox_full", status: 503 });
    expect(outbox.stats.dropped).toEqual({ logic: 1, telemetry: 0, logs: 0 });
  });

  it("demands to know what a logic message answers", async () => {
    const { outbox } = await build();
    const { idem: _idem, ...draft } = logic("a");
    expect(() => outbox.stage(draft)).toThrowError(expect.objectContaining({ code: "idem_required" }));
  });
});

describe("the outbox queue", () => {
  const item = fc.record({
    class: fc.constantFrom("logic", "telemetry", "logs"),
    topic: fc.integer({ min: 0, max: 3 }),
    bytes: fc.integer({ min: 1, max: 50 }),
  });

  it("never exceeds its limits, never drops logic for less, keeps every topic in order", () => {
    fc.assert(
      fc.property(fc.array(item, { maxLength: 80 }), fc.integer({ min: 1, max: 10 }), (items, maxItems) => {
        const queue = new OutboxQueue({ maxItems, maxBytes: 300, keepNew: new Set(["telemetry"]) });
        for (const [seq, { class: flow, topic, bytes }] of items.entries()) {
          const id = String(seq);
          const named = `${flow}/${topic}`;
          const meta = {
            seq,
            id,
            idem: null,
            bodyHash: id,
            topic: named,
            class: flow,
            bytes,
            expiresMs: null,
          };
          const admission = queue.admit(meta as OutboxMeta);
          if (admission.outcome === "accepted") {
            queue.confirm(seq);
            expect(admission.evicted.some((victim) => victim.class === "logic")).toBe(false);
          }
          expect(queue.size).toBeLessThanOrEqual(maxItems);
          expect(queue.bytes).toBeLessThanOrEqual(300);
        }
        const held = queue.size;
        const out: OutboxMeta[] = [];
        for (let next = queue.take(0); next; next = queue.take(0)) {
          out.push(next);
          queue.remove(next.seq);
        }
        expect(out.length).toBe(held);
        const last = new Map<string, number>();
        for (const { topic, seq } of out) {
          expect(seq).toBeGreaterThan(last.get(topic) ?? -1);
          last.set(topic, seq);
        }
        const firstOther = out.findIndex(({ class: flow }) => flow !== "logic");
        expect(out.slice(firstOther < 0 ? out.length : firstOther).some((one) => one.class === "logic")).toBe(
          false,
        );
      }),
    );
  });
});
