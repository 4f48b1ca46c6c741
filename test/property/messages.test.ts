/** What arrives over MQTT: commands and gossip, altered, forged, replayed and made up. */
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { toBase64, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize, jcs } from "../../firmware/core/canonical-json.ts";
import { pae, signStatement } from "../../firmware/core/dsse.ts";
import { type Ed25519KeyPair, keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { isJsonObject } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { parseJson } from "../../firmware/core/parse-json.ts";
import { COMMAND_TYPE, newMessageId, readCommand } from "../../firmware/fleet/index.ts";
import { readMessage, signingKeyOf, signMessage } from "../../firmware/sync/envelope.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { FLEET, keyRecord, startDevice, topics } from "../fleet/device.ts";
import { FakeBus } from "../fleet/fake-bus.ts";
import { entropy } from "../fleet/support.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { Fleet, FLEET as GOSSIP_FLEET, pairOf } from "../sync/fleet.ts";
import {
  expectCleanPrototypes,
  HOSTILE_VALUES,
  mutated,
  mutatedBytes,
  PROTOTYPE_KEYS,
  within,
} from "./mutations.ts";

afterEach(expectCleanPrototypes);

const operator = keyPairFromSeed(new Uint8Array(32).fill(1));
const stranger = keyPairFromSeed(new Uint8Array(32).fill(9));

/** A device that counts what it executes. */
async function commanded() {
  const clock = new ManualClock();
  const bus = new FakeBus();
  bus.set("online");
  const executed: JsonObject[] = [];
  const device = await startDevice({
    bus,
    store: new MemoryStore(),
    clock,
    keys: [keyRecord(operator, ["command"])],
    handlers: {
      "run.start": async (args) => {
        executed.push(args);
        return { status: 200, details: {} };
      },
    },
  });
  const statement = (): JsonObject => ({
    schema: "imu.command/1",
    id: newMessageId(clock.wallMs(), entropy),
    nonce: toHex(entropy.bytes(16)),
    fleet: FLEET,
    audience: "*",
    name: "run.start",
    args: { program: "pump" },
    issuedAt: clock.wallMs(),
    expiresAt: clock.wallMs() + 60_000,
  });
  const send = async (payload: Uint8Array): Promise<void> => {
    bus.deliver(topics.command, payload);
    await clock.advance(1500);
  };
  return { clock, device, executed, statement, send };
}

/** An envelope around any bytes, as somebody signs who does not care about rules. */
function envelope(payload: Uint8Array, pair: Ed25519KeyPair, type = COMMAND_TYPE): Uint8Array {
  const sig = toBase64(pair.sign(pae(type, payload)));
  const keyid = keyIdOf(pair.publicKeyHex);
  return utf8(
    JSON.stringify({ payloadType: type, payload: toBase64(payload), signatures: [{ keyid, sig }] }),
  );
}

const signed = (statement: unknown, pair: Ed25519KeyPair): Uint8Array =>
  utf8(canonicalize(signStatement(COMMAND_TYPE, statement, [{ keyId: keyIdOf(pair.publicKeyHex), pair }])));

describe("commands", () => {
  it("are read or refused as a value, whatever the message has become", () => {
    const good = signed({ a: 1 }, operator);
    const document = parseJson(good, { maxBytes: 1e5, maxDepth: 16 });
    const message = fc.oneof(
      mutatedBytes(good),
      mutated(document).map((value) => utf8(JSON.stringify(value))),
      fc.constantFrom(...HOSTILE_VALUES).map((value) => utf8(JSON.stringify(value))),
      fc.uint8Array({ maxLength: 9000 }),
    );
    fc.assert(
      fc.property(message, (bytes) => {
        const read = within(200, () => readCommand(bytes));
        expect(read.ok).toBe(false);
      }),
      { numRuns: 600 },
    );
  });

  it("altered after they were signed, or signed by a stranger, are never executed", async () => {
    const { device, executed, statement, send } = await commanded();
    const samples = fc.sample(mutatedBytes(signed(statement(), operator)), { seed: 3, numRuns: 150 });
    for (const bytes of samples) await send(bytes);
    // White space between members is signed by nobody: such a message is still the one command, and runs once.
    expect(executed.length).toBeLessThanOrEqual(1);
    const before = executed.length;
    for (let i = 0; i < 20; i++) await send(signed(statement(), stranger));
    expect(executed.length).toBe(before);
    await send(signed(statement(), operator));
    expect(executed.length).toBe(before + 1);
    await device[Symbol.asyncDispose]();
  });

  it("with anything in them changed and signed anew are executed whole or refused, and the next one is heard", async () => {
    const { device, executed, statement, send, clock } = await commanded();
    const changed = fc.sample(mutated(statement()), { seed: 5, numRuns: 250 });
    for (const document of changed) {
      let payload: Uint8Array;
      try {
        payload = jcs(document);
      } catch {
        payload = utf8(JSON.stringify(document)); // Not canonical: the device must refuse it.
      }
      const count = executed.length;
      await send(envelope(payload, operator));
      if (executed.length > count) expect(isJsonObject(document) && document.name).toBe("run.start");
    }
    await clock.advance(120_000);
    const count = executed.length;
    await send(signed(statement(), operator));
    expect(executed.length).toBe(count + 1);
    await device[Symbol.asyncDispose]();
  });

  it("are executed once, however often and in whatever company they are sent again", async () => {
    const { device, executed, statement, send } = await commanded();
    const first = signed(statement(), operator);
    for (let i = 0; i < 10; i++) {
      await send(first);
      await send(Uint8Array.from([...first, 0x20]));
      await send(first.slice(0, -1));
    }
    expect(executed.length).toBe(1);
    await device[Symbol.asyncDispose]();
  });

  it("whose payload is not canonical are refused although the signature is right", async () => {
    const { device, executed, statement, send } = await commanded();
    const text = canonicalize(statement());
    const forms = [
      text.replace("{", "{ "),
      text.replace('"name":"run.start"', '"name":"run.start","name":"run.start"'),
      text.replace('"args":{', '"args":{"__proto__":1,"__proto__":2,'),
      text.replace("run.start", "run\\u002estart"),
      text.replace(/"issuedAt":(\d+)/, '"issuedAt":$1.0'),
      `${text}\n`,
      `\ufeff${text}`,
    ];
    for (const form of forms) await send(envelope(utf8(form), operator));
    expect(executed.length).toBe(0);
    await device[Symbol.asyncDispose]();
  });

  it.each(PROTOTYPE_KEYS)("named %s, or with it among their members, find no handler", async (key) => {
    const { device, executed, statement, send } = await commanded();
    await send(signed({ ...statement(), name: `run.${key.toLowerCase()}` }, operator));
    const args = JSON.parse(`{"program":"pump",${JSON.stringify(key)}:1}`) as JsonObject;
    await send(signed({ ...statement(), args }, operator));
    expect(executed.length).toBe(0);
    await device[Symbol.asyncDispose]();
  });
});

describe("gossip", () => {
  /** Two devices that have exchanged something, and what they said. */
  async function talking() {
    const fleet = new Fleet("dev-a", "dev-b");
    const a = await fleet.node("dev-a");
    const b = await fleet.node("dev-b");
    await fleet.clock.advance(3000);
    await fleet.write(b.sync.put("shared/modes", "mode", "eco"));
    await fleet.clock.advance(20_000);
    return { fleet, a, b, heard: fleet.broker.published.filter(({ topic }) => topic.endsWith("/dev-b")) };
  }

  /** Waits after every eighth message until nobody is muted, so that every message is looked at. */
  const breathe = (fleet: Fleet, judged: number): Promise<void> =>
    fleet.clock.advance(judged % 8 === 7 ? 700_000 : 200);

  it("altered on its way changes nothing, and what is true is heard afterwards", async () => {
    const { fleet, a, b, heard } = await talking();
    expect(heard.length).toBeGreaterThan(0);
    let judged = 0;
    const before = JSON.stringify(a.sync.value("shared/modes"));
    for (const [n, { topic, payload }] of heard.slice(0, 8).entries())
      for (const bytes of fc.sample(mutatedBytes(payload), { seed: n, numRuns: 12 })) {
        fleet.broker.inject("hostile", topic, bytes);
        await breathe(fleet, judged++);
      }
    expect(JSON.stringify(a.sync.value("shared/modes"))).toBe(before);
    expect(a.events.filter(({ data }) => data.code === "internal")).toEqual([]);
    await fleet.write(b.sync.put("shared/modes", "mode", "night"));
    await fleet.clock.advance(4_000_000);
    expect(JSON.stringify(a.sync.value("shared/modes"))).toContain("night");
  });

  it("with anything in it changed and signed by a member is judged, never a fault of the device", async () => {
    const { fleet, a, heard } = await talking();
    let judged = 0;
    const key = signingKeyOf(pairOf("dev-b"));
    for (const [n, { topic, payload }] of heard.slice(0, 8).entries()) {
      const message = readMessage(payload);
      const content = parseJson(message.payload, { maxBytes: 65_536, maxDepth: 16 });
      for (const document of fc.sample(mutated(content), { seed: n, numRuns: 25 })) {
        const bytes = utf8(JSON.stringify(document satisfies Json));
        if (bytes.length > 60_000) continue;
        fleet.broker.inject("dev-b", topic, signMessage(message.payloadType, bytes, key).bytes);
        await breathe(fleet, judged++);
      }
    }
    expect(a.events.filter(({ data }) => data.code === "internal")).toEqual([]);
    expect(GOSSIP_FLEET).toBe("plant-7");
  });
});
