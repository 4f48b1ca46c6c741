import { afterEach, describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { type Batch, signBatch } from "../../firmware/sync/batch.ts";
import { signingKeyOf } from "../../firmware/sync/envelope.ts";
import { formatStamp } from "../../firmware/sync/hlc.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { FLEET, Fleet, type Node, pairOf, rosterOf, topic } from "./fleet.ts";

const open: Node[] = [];
async function started(fleet: Fleet): Promise<[Node, Node, Node]> {
  const [a, b, c] = await fleet.nodes();
  if (!a || !b || !c) throw new Error("The fleet has three devices.");
  open.push(a, b, c);
  return [a, b, c];
}

afterEach(async () => {
  for (const node of open.splice(0)) await node.sync[Symbol.asyncDispose]();
});

function batchOf(signer: string, origin: string, overrides: Partial<Batch> = {}) {
  const hlc = formatStamp({ ms: 1_700_000_000_000, counter: 0 }, origin);
  const deltas = [{ doc: "shared/modes", type: "lwwmap" as const, d: { pump: { v: "on", t: hlc } } }];
  const batch: Batch = { v: 1, fleet: FLEET, origin, seq: 1, prev: "", hlc, roster: 1, deltas, ...overrides };
  return signBatch(batch, signingKeyOf(pairOf(signer)));
}

const codes = (node: Node): unknown[] => node.events.map((event) => event.data.code ?? event.kind);

describe("a fleet of replicas", () => {
  it("shows a write on every device as soon as its batch arrives", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b, c] = await started(fleet);
    await fleet.write(a.sync.put("shared/modes", "pump", "eco"));
    expect(b.sync.get("shared/modes", "pump")).toBe("eco");
    expect(c.sync.entries("shared/modes")).toEqual([["pump", "eco"]]);
    expect(new Set([a, b, c].map(({ sync }) => sync.summary())).size).toBe(1);
  });

  it("agrees within two digest intervals after a partition with conflicting writes heals", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b, c] = await started(fleet);
    fleet.broker.partition(["dev-a"], ["dev-b", "dev-c"]);
    await fleet.write(a.sync.put("shared/modes", "pump", "off"));
    await fleet.write(b.sync.put("shared/modes", "pump", "eco"));
    await fleet.write(c.sync.change("counters/starts", { op: "increment", by: 3 }));
    await fleet.write(a.sync.change("counters/starts", { op: "increment", by: 2 }));
    expect(a.sync.get("shared/modes", "pump")).toBe("off");
    expect(b.sync.get("shared/modes", "pump")).toBe("eco");
    fleet.broker.heal();
    // The second interval, of 8 s, is running on all of them; no link was lost, so only digests tell.
    await fleet.clock.advance(16_000);
    for (const { sync } of [a, b, c]) {
      expect(sync.get("shared/modes", "pump")).toBe("eco");
      expect(sync.value("counters/starts")).toBe(5);
      expect(sync.summary()).toBe(a.sync.summary());
      expect(sync.heads()).toEqual(a.sync.heads());
    }
  });

  it("brings a device that joins late up to date from its peers", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const a = await fleet.node("dev-a");
    open.push(a);
    await fleet.clock.advance(2_100);
    for (let i = 0; i < 5; i++) await fleet.write(a.sync.put("device/dev-a/state", "mode", i));
    const b = await fleet.node("dev-b");
    open.push(b);
    await fleet.clock.advance(8_000);
    expect(b.sync.get("device/dev-a/state", "mode")).toBe(4);
    expect(b.sync.summary()).toBe(a.sync.summary());
  });

  it("publishes nothing whose commit failed and reuses its sequence number safely", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    const writes = [{ doc: "shared/modes", change: { op: "put", key: "pump", value: 1 } as const }];
    const failing = a.sync.commitWith(writes, async () => {
      throw new Error("disk full");
    });
    await expect(failing).rejects.toThrow("disk full");
    expect(a.sync.get("shared/modes", "pump")).toBeUndefined();
    await fleet.clock.advance(10_000);
    expect(b.sync.heads()).toEqual([]);
    await fleet.write(a.sync.put("shared/modes", "pump", 2));
    expect(b.sync.get("shared/modes", "pump")).toBe(2);
    expect(b.sync.heads()).toMatchObject([[a.sync.replicaId, 1, expect.any(String)]]);
  });

  it("refuses a write that the roster gives to another device, and takes the others of its group", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [, b] = await started(fleet);
    const denied = expect(b.sync.put("settings/site", "k", 1)).rejects.toMatchObject({
      code: "writer_denied",
    });
    const alien = expect(b.sync.put("device/dev-a/state", "k", 1)).rejects.toMatchObject({
      code: "writer_denied",
    });
    await fleet.write(b.sync.put("device/dev-b/state", "k", 1));
    await Promise.all([denied, alien]);
    expect(b.sync.get("device/dev-b/state", "k")).toBe(1);
  });

  it("refuses its own write once the document is full", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a] = await started(fleet);
    for (let i = 0; i < 8; i++) await fleet.write(a.sync.put("device/dev-a/state", `k${i}`, i));
    await expect(fleet.write(a.sync.put("device/dev-a/state", "k8", 8))).rejects.toMatchObject({
      code: "doc_full",
    });
    await fleet.write(a.sync.delete("device/dev-a/state", "k0"));
    await fleet.write(a.sync.put("device/dev-a/state", "k8", 8));
    expect(a.sync.get("device/dev-a/state", "k8")).toBe(8);
  });
});

describe("restarts", () => {
  it("keeps the state and never uses a sequence number twice", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    await fleet.write(a.sync.put("shared/modes", "pump", "eco"));
    const { replicaId } = a.sync;
    await a.sync[Symbol.asyncDispose]();
    const again = await fleet.node("dev-a", a.store);
    open.push(again);
    expect(again.sync.replicaId).toBe(replicaId);
    expect(again.sync.get("shared/modes", "pump")).toBe("eco");
    await fleet.clock.advance(2_100);
    await fleet.write(again.sync.put("shared/modes", "pump", "off"));
    expect(b.sync.heads()).toMatchObject([[replicaId, 2, expect.any(String)]]);
    expect(b.sync.get("shared/modes", "pump")).toBe("off");
  });

  it("starts a new incarnation when peers hold more of its chain than its restored store", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    await fleet.write(a.sync.put("shared/modes", "pump", 1));
    const image = new MemoryStore();
    for (const sub of ["sync/hlc", "sync/batch", "sync/head"])
      for await (const [key, value] of a.store.range(sub))
        await image.batch([{ type: "put", sub, key, value }], { sync: true });
    await fleet.write(a.sync.put("shared/modes", "pump", 2));
    const before = a.sync.replicaId;
    await a.sync[Symbol.asyncDispose]();
    const restored = await fleet.node("dev-a", image);
    open.push(restored);
    const written = restored.sync.put("shared/modes", "pump", 3);
    await fleet.clock.advance(6_000);
    await written;
    expect(restored.events.map((event) => event.kind)).toContain("own_chain_behind");
    expect(restored.sync.replicaId).not.toBe(before);
    expect(b.sync.get("shared/modes", "pump")).toBe(3);
    expect(b.sync.heads().map(([origin, seq]) => [origin, seq])).toEqual(
      [
        [before, 2],
        [restored.sync.replicaId, 1],
      ].sort(),
    );
    expect(b.sync.measures().excludedOrigins).toBe(0);
  });
});

describe("hostile input", () => {
  it("refuses a delta signed by somebody else, changes nothing and reports it", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a] = await started(fleet);
    const forged = batchOf("dev-c", "dev-b.1");
    fleet.broker.inject("dev-c", topic("batch/dev-c"), forged.message.bytes);
    await fleet.clock.advance(10);
    expect(a.sync.value("shared/modes")).toBeUndefined();
    expect(codes(a)).toContain("bad_signature");
    expect(a.sync.measures().counts.get("dropped:bad_signature")).toBe(1);
  });

  it("voids a signed batch that writes another device's document, the same on every replica", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    const t = formatStamp({ ms: 1_700_000_000_000, counter: 0 }, "dev-c.1");
    const deltas = [{ doc: "device/dev-a/state", type: "lwwmap" as const, d: { mode: { v: "evil", t } } }];
    fleet.broker.inject("dev-c", topic("batch/dev-c"), batchOf("dev-c", "dev-c.1", { deltas }).message.bytes);
    await fleet.clock.advance(10);
    for (const node of [a, b]) {
      expect(node.sync.value("device/dev-a/state")).toBeUndefined();
      expect(node.sync.heads()).toMatchObject([["dev-c.1", 1, expect.any(String)]]);
      expect(codes(node)).toContain("writer_denied");
    }
  });

  it("removes both branches of a fork on every replica, whichever came first", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    const t = formatStamp({ ms: 1_700_000_000_000, counter: 0 }, "dev-c.1");
    const one = batchOf("dev-c", "dev-c.1");
    const deltas = [{ doc: "shared/modes", type: "lwwmap" as const, d: { pump: { v: "off", t } } }];
    const other = batchOf("dev-c", "dev-c.1", { deltas });
    fleet.broker.partition(["dev-a", "x"], ["dev-b", "y"]);
    fleet.broker.inject("x", topic("batch/dev-c"), one.message.bytes);
    fleet.broker.inject("y", topic("batch/dev-c"), other.message.bytes);
    await fleet.clock.advance(10);
    expect([a.sync.get("shared/modes", "pump"), b.sync.get("shared/modes", "pump")]).toEqual(["on", "off"]);
    fleet.broker.heal();
    fleet.broker.inject("y", topic("batch/dev-c"), other.message.bytes);
    await fleet.clock.advance(8_000);
    for (const node of [a, b]) {
      expect(node.sync.get("shared/modes", "pump")).toBeUndefined();
      expect(node.sync.measures().excludedOrigins).toBe(1);
      expect(node.events.map((event) => event.kind)).toContain("peer_equivocation");
    }
    expect(a.sync.summary()).toBe(b.sync.summary());
  });

  it("refuses oversized, truncated, ambiguous and mistyped messages without losing its footing", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    const good = batchOf("dev-c", "dev-c.1").message.bytes;
    const hostile = [
      new Uint8Array(65_537),
      good.slice(0, good.length - 1),
      new Uint8Array([0xbf, 0xff]),
      new Uint8Array([0xa2, 0x61, 0x61, 0x01, 0x61, 0x61, 0x02]),
      new Uint8Array(64).fill(0x81),
      encodeCbor({ payloadType: 1, payload: "x", signatures: [] }),
      encodeCbor([]),
      utf8('{"__proto__":{}}'),
    ];
    for (const bytes of hostile) fleet.broker.inject("dev-c", topic("batch/dev-c"), bytes);
    await fleet.clock.advance(10);
    expect(a.sync.heads()).toEqual([]);
    expect(codes(a)).toEqual(expect.arrayContaining(["message_too_large", "malformed"]));
    await fleet.write(b.sync.put("shared/modes", "pump", "eco"));
    expect(a.sync.get("shared/modes", "pump")).toBe("eco");
  });

  it("applies a replayed batch once and ignores a replayed digest", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    await fleet.write(b.sync.change("counters/starts", { op: "increment", by: 1 }));
    const seen = fleet.broker.published.filter(({ topic: at }) => at.endsWith("/dev-b"));
    for (const { topic: at, payload } of seen) fleet.broker.inject("dev-c", at, payload);
    await fleet.clock.advance(10);
    expect(a.sync.value("counters/starts")).toBe(1);
    expect(a.sync.heads()).toHaveLength(1);
    expect(a.sync.measures().counts.get("dropped:replayed")).toBeGreaterThan(0);
  });

  it("mutes a sender that keeps sending invalid messages", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a] = await started(fleet);
    for (let i = 0; i < 10; i++) fleet.broker.inject("dev-c", topic("batch/dev-c"), utf8("nonsense"));
    await fleet.clock.advance(10);
    expect(a.events.map((event) => event.kind)).toContain("peer_muted");
    fleet.broker.inject("dev-c", topic("batch/dev-c"), batchOf("dev-c", "dev-c.1").message.bytes);
    await fleet.clock.advance(10);
    expect(a.sync.heads()).toEqual([]);
  });

  it("takes back what a newer roster no longer counts", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b] = await started(fleet);
    await fleet.write(b.sync.put("shared/modes", "pump", 1));
    await fleet.write(b.sync.put("shared/modes", "pump", 2));
    const revokedAfter = { [b.sync.replicaId]: 1 };
    await a.sync.adoptRoster(rosterOf(fleet.ids, 2, { "dev-b": { status: "revoked", revokedAfter } }));
    expect(a.sync.get("shared/modes", "pump")).toBe(1);
    await fleet.clock.advance(8_000);
    expect(a.sync.heads()).toMatchObject([[b.sync.replicaId, 1, expect.any(String)]]);
  });
});
