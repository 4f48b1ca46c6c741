import { describe, expect, it } from "vitest";
import { otaTopics, publishRelease } from "../../ota/index.ts";
import { MqttTransport } from "../../ota/transport/mqtt.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { MemoryBroker } from "../support/memory-bus.ts";
import { alice, countdown, Device, operator, release, silent } from "./device.ts";

const to = { fleet: "farm", device: "d1" };
const topics = otaTopics(to.fleet, to.device);
const quiet = new Device();
const notes = "x".repeat(4000);
/** Several chunks long. */
const programs = Array.from({ length: 30 }, (_, i) => ({
  ...countdown(10 + i, `p${i}`),
  constants: { filler: notes },
}));
const candidate = release(2, programs);
const target = candidate.statement.bundle;

function transport(broker: MemoryBroker, clock = new ManualClock()) {
  return { clock, mqtt: new MqttTransport({ bus: broker.client("d1"), clock, log: silent, ...to }) };
}

const chunk = (index: number) => candidate.bundle.subarray(index * 32_768, (index + 1) * 32_768);
const count = Math.ceil(candidate.bundle.length / 32_768);

describe("a bundle over MQTT", () => {
  it("arrives from retained chunks", async () => {
    const broker = new MemoryBroker();
    expect(await publishRelease(broker.client("publisher"), candidate, to)).toEqual({ chunks: count });
    const { mqtt } = transport(broker);
    expect(await mqtt.fetch(target, new AbortController().signal)).toEqual(candidate.bundle);
  });

  it("arrives out of order, twice, and among chunks that do not fit", async () => {
    const broker = new MemoryBroker();
    const { mqtt } = transport(broker);
    const fetched = mqtt.fetch(target, new AbortController().signal);
    await Promise.resolve();
    const send = (index: number | string, bytes: Uint8Array) =>
      broker.inject("p", topics.chunk(target.sha256, Number.NaN).replace("NaN", String(index)), bytes);
    send("-1", chunk(0));
    send("01", chunk(1));
    send(count, new Uint8Array(32_768));
    send(0, new Uint8Array(40_000));
    for (let index = count - 1; index >= 0; index--) {
      send(index, chunk(index));
      send(index, new Uint8Array(chunk(index).length));
    }
    expect(await fetched).toEqual(candidate.bundle);
  });

  it("is given up when no new chunk comes, and goes on where it was the next time", async () => {
    const broker = new MemoryBroker();
    const { mqtt, clock } = transport(broker);
    broker.inject("p", topics.chunk(target.sha256, 0), chunk(0), true);
    const stalled = mqtt.fetch(target, new AbortController().signal);
    const refused = expect(stalled).rejects.toMatchObject({
      code: "transfer_stalled",
      details: { received: 1 },
    });
    await clock.advance(600_001);
    await refused;
    const again = mqtt.fetch(target, new AbortController().signal);
    await Promise.resolve();
    for (let index = 1; index < count; index++) {
      broker.inject("p", topics.chunk(target.sha256, index), chunk(index));
    }
    expect(await again).toEqual(candidate.bundle);
  });

  it("of other bytes is refused by its hash", async () => {
    const broker = new MemoryBroker();
    const { mqtt } = transport(broker);
    for (let index = 0; index < count; index++) {
      const wrong = new Uint8Array(chunk(index).length);
      broker.inject("p", topics.chunk(target.sha256, index), wrong, true);
    }
    await expect(mqtt.fetch(target, new AbortController().signal)).rejects.toMatchObject({
      code: "target_hash_mismatch",
    });
  });
});

describe("an offer", () => {
  const verdict = async (change: Parameters<typeof release>[2], signers = [alice], keys = [alice.key]) => {
    const device = await Device.ready({ keys });
    const offered = release(2, [countdown(400)], change, signers);
    const result = await device.service.stage(offered.statementBytes, offered.bundle);
    expect(device.kinds()).not.toContain("policy_received");
    return result.ok ? "ok" : result.code;
  };

  it("of an unknown key is refused", async () => {
    expect(await verdict({}, [operator(9)])).toBe("unknown_key");
  });

  it("of a key without the scope, or one that was revoked, is refused", async () => {
    const clerk = operator(3, ["command"]);
    const gone = operator(4, ["deploy"], { status: "revoked", revokedAt: 1 });
    expect(await verdict({}, [clerk], [clerk.key])).toBe("scope_missing");
    expect(await verdict({}, [gone], [gone.key])).toBe("key_revoked");
  });

  it("for another fleet, another device, or another time is refused", async () => {
    expect(await verdict({ fleet: "mill" })).toBe("wrong_fleet");
    expect(await verdict({ audience: { devices: ["d2"], groups: [] } })).toBe("wrong_audience");
    expect(await verdict({ issuedAt: 1, expiresAt: 2 })).toBe("expired");
    expect(await verdict({ version: 1 })).toBe("version_not_newer");
  });

  it("with other bytes than it states is refused", async () => {
    const device = await Device.ready();
    const short = candidate.bundle.subarray(1);
    const altered = candidate.bundle.slice();
    altered[100] = (altered[100] ?? 0) ^ 1;
    expect(await device.service.stage(candidate.statementBytes, short)).toMatchObject({
      code: "target_length_mismatch",
    });
    expect(await device.service.stage(candidate.statementBytes, altered)).toMatchObject({
      code: "target_hash_mismatch",
    });
  });

  it("with altered, truncated or strange bytes is refused and changes nothing", async () => {
    const device = await Device.ready();
    const { statementBytes, bundle } = candidate;
    const strange = ["", "{", "[]", "null", '{"__proto__":{"ok":true}}', '{"ok":true,"statement":{}}'];
    const hostile = [
      statementBytes.subarray(0, 100),
      ...strange.map((text) => new TextEncoder().encode(text)),
    ];
    for (const bytes of hostile) {
      expect(await device.service.stage(bytes, bundle)).toMatchObject({ ok: false, code: "malformed" });
    }
    const text = new TextDecoder().decode(statementBytes);
    const forged = text.replace(/"payload":"(.)/, '"payload":"f');
    expect(await device.service.stage(new TextEncoder().encode(forged), bundle)).toMatchObject({ ok: false });
    expect(device.kinds()).toEqual(quiet.kinds());
  });

  it("heard over the broker leads to a commit", async () => {
    const broker = new MemoryBroker();
    const clock = new ManualClock({ wallMs: 1_700_000_000_000 });
    const { mqtt } = transport(broker, clock);
    const device = await Device.ready({ clock, source: () => mqtt });
    await mqtt.listen((bytes) => device.service.offer(bytes));
    const offered = release(2, [countdown(400)]);
    await publishRelease(broker.client("publisher"), offered, to);
    await device.reach("canary");
    await device.settle();
    expect(await device.active()).toBe(offered.releaseHash);
  });
});
