import { describe, expect, it } from "vitest";
import { fromUtf8 } from "../../firmware/core/bytes.ts";
import { deviceTopics, isMessageId, newMessageId, StatusPublisher } from "../../firmware/fleet/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { topics } from "./device.ts";
import { FakeBus } from "./fake-bus.ts";
import { entropy, silentLog } from "./support.ts";

describe("the retained status", () => {
  const build = () => {
    const clock = new ManualClock();
    const bus = new FakeBus();
    let size = 1;
    const status = new StatusPublisher({
      bus,
      clock,
      log: silentLog,
      topic: topics.status,
      device: { id: "imu-a", bootId: clock.bootId, simulated: true },
      view: () => ({
        state: "online",
        challenge: "c",
        policyHash: null,
        programs: ["pump"],
        ledger: { size: size++, hash: "h" },
      }),
    });
    status.start();
    const sizes = (): number[] =>
      bus.sent.map(({ payload }) => JSON.parse(fromUtf8(payload)).ledger?.size ?? 0);
    return { clock, bus, status, sizes };
  };

  it("is published after every connect, retained", async () => {
    const { clock, bus, sizes } = build();
    bus.set("online");
    await clock.advance(1);
    bus.set("offline");
    bus.set("online");
    await clock.advance(1);
    expect(sizes()).toEqual([1, 2]);
    expect(bus.sent.every(({ options }) => options.retain && options.qos === 1)).toBe(true);
  });

  it("gathers changes that come together into one message", async () => {
    const { clock, bus, status, sizes } = build();
    bus.set("online");
    await clock.advance(1);
    for (let i = 0; i < 10; i++) status.changed();
    await clock.advance(200);
    expect(sizes()).toEqual([1, 2]);
  });

  it("ends with the state that the last will would have left", async () => {
    const { clock, bus, status } = build();
    bus.set("online");
    await clock.advance(1);
    await status[Symbol.asyncDispose]();
    expect(JSON.parse(fromUtf8(bus.sent.at(-1)?.payload ?? new Uint8Array()))).toMatchObject({
      state: "offline",
      device: "imu-a",
      sim: true,
    });
  });
});

describe("topics and ids", () => {
  it.each(["", "a/b", "+", "#", "A", "a".repeat(65), "ä"])("refuse %j as an id", (id) => {
    expect(() => deviceTopics(id, "imu-a")).toThrowError(expect.objectContaining({ code: "topic_invalid" }));
    expect(() => topics.event(id)).toThrowError(expect.objectContaining({ code: "topic_invalid" }));
  });

  it("make UUIDv7 that sort by their time", () => {
    const ids = [1, 2 ** 20, 2 ** 40].map((at) => newMessageId(at, entropy));
    expect(ids.every(isMessageId)).toBe(true);
    expect([...ids].sort()).toEqual(ids);
  });
});
