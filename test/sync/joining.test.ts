import { afterEach, describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { Fleet, type Node, rosterOf, topic } from "./fleet.ts";

const open: Node[] = [];
const keep = (node: Node): Node => {
  open.push(node);
  return node;
};

afterEach(async () => {
  for (const node of open.splice(0)) await node.sync[Symbol.asyncDispose]();
});

const OLD = rosterOf(["dev-a", "dev-b"], 1);
const NEW = rosterOf(["dev-a", "dev-b", "dev-c"], 2);

describe("a roster that grows", () => {
  it("keeps what was written under its predecessor, also when only the new one is left as a file", async () => {
    const fleet = new Fleet("dev-a");
    const before = await fleet.node("dev-a", undefined, [OLD]);
    await fleet.clock.advance(2_100);
    await fleet.write(before.sync.put("shared/modes", "pump", "eco"));
    await before.sync[Symbol.asyncDispose]();
    const after = keep(await fleet.node("dev-a", before.store, [NEW]));
    expect(after.sync.get("shared/modes", "pump")).toBe("eco");
    expect(after.events).toMatchObject([{ kind: "roster_changed", data: { version: 2, devices: 3 } }]);
  });

  it("gives a joining device the whole state if it has the predecessors, and holds what it cannot judge", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const first = await fleet.node("dev-a", undefined, [OLD]);
    await fleet.clock.advance(2_100);
    await fleet.write(first.sync.put("shared/modes", "pump", "eco"));
    await first.sync[Symbol.asyncDispose]();
    const a = keep(await fleet.node("dev-a", first.store, [NEW]));
    const knowing = keep(await fleet.node("dev-b", undefined, [NEW, OLD]));
    const blind = keep(await fleet.node("dev-c", undefined, [NEW]));
    await fleet.clock.advance(16_000);
    expect(knowing.sync.summary()).toBe(a.sync.summary());
    expect(knowing.sync.get("shared/modes", "pump")).toBe("eco");
    expect(blind.sync.value("shared/modes")).toBeUndefined();
    expect(blind.sync.measures().counts.get("held:roster_newer")).toBeGreaterThan(0);
    expect(blind.events[0]).toMatchObject({
      kind: "inbound_rejected",
      data: { code: "roster_newer", roster: 1 },
    });
    await blind.sync.adoptRoster(OLD);
    await fleet.clock.advance(16_000);
    expect(blind.sync.get("shared/modes", "pump")).toBe("eco");
  });

  it("goes on with the newest one it has used when an older file is put in its place, and says so", async () => {
    const fleet = new Fleet("dev-a");
    const before = await fleet.node("dev-a", undefined, [NEW]);
    await before.sync[Symbol.asyncDispose]();
    const after = keep(await fleet.node("dev-a", before.store, [OLD]));
    expect(after.events).toMatchObject([
      { kind: "roster_changed", severity: "warn", data: { code: "list_rollback", version: 2, given: 1 } },
    ]);
  });
});

describe("a link that comes back", () => {
  it("brings both sides together within two of the smallest intervals, however long the quiet was", async () => {
    const fleet = new Fleet("dev-a", "dev-b", "dev-c");
    const [a, b, c] = (await fleet.nodes()).map(keep);
    if (!a || !b || !c) throw new Error("The fleet has three devices.");
    await fleet.clock.advance(1_200_000);
    fleet.broker.partition(["dev-a"], ["dev-b", "dev-c"]);
    await fleet.write(a.sync.put("shared/modes", "pump", "off"));
    await fleet.write(b.sync.put("shared/modes", "fan", "on"));
    fleet.broker.heal();
    fleet.broker.reconnect("dev-a");
    await fleet.clock.advance(8_000);
    for (const { sync } of [a, b, c]) {
      expect(sync.summary()).toBe(a.sync.summary());
      expect(sync.entries("shared/modes")).toEqual([
        ["fan", "on"],
        ["pump", "off"],
      ]);
    }
  });
});

describe("a flood", () => {
  it("is told at most twenty times a minute, whatever names its senders take, and counted in full", async () => {
    const fleet = new Fleet("dev-a");
    const a = keep(await fleet.node("dev-a"));
    for (let i = 0; i < 200; i++)
      fleet.broker.inject("outside", topic(`batch/imu-noise-${i}`), utf8("noise"));
    await fleet.clock.advance(1_000);
    expect(a.events).toHaveLength(20);
    expect(a.sync.measures().counts.get("dropped:malformed")).toBe(200);
    await fleet.clock.advance(60_000);
    fleet.broker.inject("outside", topic("batch/imu-noise-200"), utf8("noise"));
    await fleet.clock.advance(10);
    expect(a.events.at(-1)).toMatchObject({ kind: "inbound_rejected", data: { others: 180 } });
  });
});
