/** Shared state of real daemons on a real Mosquitto: agreement, partition, forgery, restart, sudden death. */
import { connectAsync, type MqttClient } from "mqtt";
import { describe, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { generateKeyPair } from "../../firmware/core/ed25519.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { type Batch, signBatch } from "../../firmware/sync/batch.ts";
import { formatStamp } from "../../firmware/sync/hlc.ts";
import { signingKeyOf } from "../../firmware/sync/index.ts";
import { Daemon, TemporaryFolder, until } from "../support/daemon.ts";
import { makeSite, PlainMosquitto, type SiteDevice, Wire } from "../support/fleet-site.ts";
import { atRest } from "./device-folder.ts";
import { missingPrograms } from "./mosquitto-broker.ts";

const FLEET = "greenhouse";
const GOSSIP_MS = 500;
const KEY = "climate.set_point";
const tell = (text: string): void => void process.stderr.write(`  measured: ${text}\n`);
const objectOf = (value: Json): JsonObject => (isJsonObject(value) ? value : {});

class Member implements AsyncDisposable {
  readonly device: SiteDevice;
  readonly wire: Wire;
  daemon: Daemon;

  private constructor(device: SiteDevice, wire: Wire, daemon: Daemon) {
    this.device = device;
    this.wire = wire;
    this.daemon = daemon;
  }

  static async start(device: SiteDevice, wire: Wire): Promise<Member> {
    return new Member(device, wire, await Daemon.start(device.dir));
  }

  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.daemon.end(signal);
    this.daemon = await Daemon.start(this.device.dir);
  }

  put(key: string, value: Json): Promise<Json> {
    return this.daemon.ask("shared.put", { key, value });
  }

  async list(): Promise<JsonObject> {
    return objectOf(await this.daemon.ask("shared.list"));
  }

  async get(key: string): Promise<Json> {
    return (await this.list())[key] ?? null;
  }

  async status(): Promise<JsonObject> {
    return objectOf(await this.daemon.ask("status"));
  }

  async summary(): Promise<Json> {
    return objectOf((await this.status()).sync ?? null).summary ?? null;
  }

  async linkState(): Promise<Json> {
    return objectOf((await this.status()).link ?? null).state ?? null;
  }

  async ledgerSize(): Promise<number> {
    return Number(objectOf((await this.status()).ledger ?? null).size);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.daemon[Symbol.asyncDispose]();
    await this.wire[Symbol.asyncDispose]();
  }
}

/** Daemons that are online and have finished listening, each behind a wire of its own, and a client that hears all. */
class Site implements AsyncDisposable {
  readonly members: readonly Member[];
  readonly client: MqttClient;
  readonly #broker: PlainMosquitto;
  readonly #folder: TemporaryFolder;

  private constructor(
    members: readonly Member[],
    client: MqttClient,
    broker: PlainMosquitto,
    folder: TemporaryFolder,
  ) {
    this.members = members;
    this.client = client;
    this.#broker = broker;
    this.#folder = folder;
  }

  static async start(names: readonly string[], gossipMs?: number): Promise<Site> {
    const folder = await TemporaryFolder.create();
    const broker = await PlainMosquitto.start();
    const wires = new Map<string, Wire>();
    for (const name of names) wires.set(name, await Wire.to(broker.port));
    const devices = await makeSite(folder.path, {
      names,
      fleet: FLEET,
      brokerUrl: (name) => wires.get(name)?.url ?? broker.url,
      ...(gossipMs === undefined ? {} : { gossipMs }),
    });
    const members: Member[] = [];
    for (const [i, wire] of [...wires.values()].entries()) {
      const device = devices[i];
      if (device) members.push(await Member.start(device, wire));
    }
    const client = await connectAsync(broker.url, { protocolVersion: 5 });
    const started = new Site(members, client, broker, folder);
    // The first write of a daemon listens for an older chain of its own: it is not part of what is measured.
    await Promise.all(members.map((member, i) => member.put(`hello.${i}`, true)));
    await started.agree("the greetings", 15_000);
    return started;
  }

  at(index: number): Member {
    const member = this.members[index];
    if (!member) throw new Error(`The site has no device ${index}.`);
    return member;
  }

  /** Waits until all have equal summaries, and gives the milliseconds that took. */
  async agree(what: string, withinMs: number): Promise<number> {
    const start = performance.now();
    const isEqual = async (): Promise<boolean> =>
      new Set(await Promise.all(this.members.map((member) => member.summary()))).size === 1;
    await until(`equal summaries after ${what}`, isEqual, withinMs);
    return Math.round(performance.now() - start);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.members) await member[Symbol.asyncDispose]();
    await this.client.endAsync(true);
    await this.#broker[Symbol.asyncDispose]();
    await this.#folder[Symbol.asyncDispose]();
  }
}

/** Waits for a telemetry message of the climate program of a device that names this set-point. */
function reportsSetPoint(site: Site, device: string, value: number): Promise<void> {
  const topic = `imu/v1/${FLEET}/${device}/telemetry/air`;
  return new Promise((resolve) => {
    site.client.on("message", (from, payload) => {
      if (from === topic && JSON.stringify(JSON.parse(payload.toString())).includes(`"setPoint":${value}`))
        resolve();
    });
    site.client.subscribe(topic);
  });
}

const needs = missingPrograms();

describe.skipIf(needs.length > 0)("daemons that share a site's settings", () => {
  it.each([
    ["half a second", GOSSIP_MS],
    ["the default", undefined],
  ])(
    "agree on a set-point within two gossip periods of %s, and a program acts on it",
    {
      timeout: 60_000,
    },
    async (_name, gossipMs) => {
      await using site = await Site.start(["a", "b"], gossipMs);
      const [a, b] = [site.at(0), site.at(1)];
      const reported = reportsSetPoint(site, b.device.id, 21.5);
      const start = performance.now();
      await a.put(KEY, 21.5);
      const acknowledged = Math.round(performance.now() - start);
      await until("the other device has it", async () => (await b.get(KEY)) === 21.5, 2 * (gossipMs ?? 4000));
      const arrived = Math.round(performance.now() - start);
      await reported;
      const acted = Math.round(performance.now() - start);
      tell(
        `put acknowledged ${acknowledged} ms, on the other device ${arrived} ms, used by its program ${acted} ms`,
      );
      expect(await b.daemon.ask("shared.get", { key: KEY })).toMatchObject({
        value: 21.5,
        writer: expect.stringContaining(a.device.id),
      });
      await site.agree("the put", 2000);
    },
  );

  it("keep working while cut off from each other and agree within two gossip periods of the reconnect", {
    timeout: 90_000,
  }, async () => {
    await using site = await Site.start(["a", "b", "c"], GOSSIP_MS);
    const [a, b, c] = [site.at(0), site.at(1), site.at(2)];
    await b.wire.cut();
    await until("b notices", async () => (await b.linkState()) !== "online");
    await a.put(KEY, 20);
    await b.put(KEY, 30);
    await b.put("only.b", "written alone");
    await c.put("only.c", "written together");
    expect([await a.get(KEY), await c.get(KEY), await b.get(KEY)]).toEqual([20, 20, 30]);
    const before = await Promise.all(site.members.map((member) => member.ledgerSize()));
    const grew = async (): Promise<boolean> =>
      (await Promise.all(site.members.map((member) => member.ledgerSize()))).every(
        (size, i) => size > (before[i] ?? 0) + 2,
      );
    await until("the programs of all go on", grew);
    await b.wire.mend();
    await until("b is back", async () => (await b.linkState()) === "online", 40_000);
    const took = await site.agree("the partition", 20_000);
    tell(`equal summaries ${took} ms after the reconnect, gossip period ${GOSSIP_MS} ms`);
    expect(took).toBeLessThanOrEqual(2 * GOSSIP_MS);
    const states = await Promise.all(site.members.map((member) => member.list()));
    expect(states[1]).toEqual(states[0]);
    expect(states[2]).toEqual(states[0]);
    // The later of the two writes stands.
    expect(states[0]).toMatchObject({ [KEY]: 30, "only.b": "written alone", "only.c": "written together" });
    await b.wire.cut();
    await until("b notices again", async () => (await b.linkState()) !== "online");
    await b.put("last.words", 1);
    expect(await b.daemon.end("SIGTERM")).toEqual({ code: 0, signal: null });
  });

  it("refuse forged, foreign, changed, garbled and oversized deltas, change nothing and record who and why", {
    timeout: 60_000,
  }, async () => {
    await using site = await Site.start(["a", "b"], GOSSIP_MS);
    const [a, b] = [site.at(0), site.at(1)];
    await a.put(KEY, 22);
    await site.agree("the put", 5000);
    const origin = String(objectOf((await a.status()).sync ?? null).replica);
    const pairOf = async (member: Member) =>
      (await loadIdentity(new NodeFiles(), `${member.device.dir}/state`)).pair;
    const stranger = generateKeyPair();
    const hlc = formatStamp({ ms: Date.now(), counter: 0 }, origin);
    const batch: Batch = {
      v: 1,
      fleet: FLEET,
      origin,
      seq: 99,
      prev: "a".repeat(64),
      hlc,
      roster: 2,
      deltas: [{ doc: "settings/site", type: "lwwmap", d: { [KEY]: { v: 99, t: hlc } } }],
    };
    const strange = { ...batch, origin: "imu-stranger.1", hlc: hlc.replace(origin, "imu-stranger.1") };
    const own = signBatch(batch, signingKeyOf(await pairOf(a))).message.bytes;
    const changed = own.slice();
    const at = Buffer.from(changed).indexOf('"v":99');
    changed[at + 4] = 0x38;
    const forgeries: readonly (readonly [sender: string, code: string, bytes: Uint8Array])[] = [
      ["imu-stranger", "peer_unknown", signBatch(strange, signingKeyOf(stranger)).message.bytes],
      ["imu-mallory", "bad_signature", signBatch(batch, signingKeyOf(stranger)).message.bytes],
      [b.device.id, "bad_signature", signBatch(batch, signingKeyOf(await pairOf(b))).message.bytes],
      ["imu-changer", "bad_signature", changed],
      ["imu-garbler", "malformed", utf8("not a message at all")],
      ["imu-flooder", "message_too_large", new Uint8Array(70_000)],
    ];
    expect(at).toBeGreaterThan(0);
    // A third device's view: `a` itself ignores what comes under its own name, so `b`'s forgery is judged by `a`.
    for (const [sender, , bytes] of forgeries)
      await site.client.publishAsync(`imu/v1/${FLEET}/gossip/batch/${sender}`, Buffer.from(bytes), {
        qos: 1,
      });
    // Sixty senders that nobody has heard of must not fill the ledger.
    for (let i = 0; i < 60; i++)
      await site.client.publishAsync(`imu/v1/${FLEET}/gossip/batch/imu-noise-${i}`, Buffer.from("x"), {
        qos: 1,
      });
    // What comes after them is still understood: nothing is stuck.
    await b.put("after", 1);
    await until("a goes on", async () => (await a.get("after")) === 1);
    expect(await a.get(KEY)).toBe(22);
    expect(await b.get(KEY)).toBe(22);
    await a.daemon.end("SIGTERM");
    const { entries, report } = await atRest(a.device.dir);
    expect(report).toMatchObject({ ok: true });
    const told = entries.flatMap(({ entry: { event } }) =>
      event.kind === "inbound_rejected" ? [objectOf(event.data)] : [],
    );
    for (const [sender, code] of forgeries)
      expect(told, `${sender}: ${code}`).toContainEqual(expect.objectContaining({ sender, code }));
    expect(told.length).toBeLessThanOrEqual(20);
  });

  it("lose no acknowledged put when one is killed in the middle of its writes, and keep all of it over restarts", {
    timeout: 90_000,
  }, async () => {
    await using site = await Site.start(["a", "b"], GOSSIP_MS);
    const [a, b] = [site.at(0), site.at(1)];
    const acknowledged: string[] = [];
    const writing = Array.from({ length: 6 }, async (_, lane) => {
      for (let i = 0; ; i++) {
        await a.put(`lane.${lane}.${i}`, i);
        acknowledged.push(`lane.${lane}.${i}`);
      }
    });
    const broken = Promise.allSettled(writing);
    await until("some writes are acknowledged", () => acknowledged.length >= 24, 30_000);
    await a.restart("SIGKILL");
    await broken;
    const kept = await a.list();
    for (const key of acknowledged) expect(kept).toHaveProperty([key]);
    await a.put("after.kill", true);
    tell(`killed after ${acknowledged.length} acknowledged puts; none is missing`);
    await site.agree("the kill", 20_000);
    const shared = await b.list();
    for (const key of acknowledged) expect(shared).toHaveProperty([key]);
    await b.restart("SIGTERM");
    expect(await b.list()).toEqual(await a.list());
    await a.daemon.end("SIGTERM");
    const { report, entries } = await atRest(a.device.dir);
    expect(report).toMatchObject({ ok: true });
    const kinds = entries.map(({ entry }) => entry.event.kind);
    expect(kinds).not.toContain("peer_equivocation");
  });

  it("share what a program puts once its run has settled", { timeout: 60_000 }, async () => {
    await using site = await Site.start(["a", "b"], GOSSIP_MS);
    const [a, b] = [site.at(0), site.at(1)];
    const run = objectOf(await a.daemon.ask("run.start", { program: "door-alarm" }));
    expect(run).toMatchObject({ ok: true, ledger: { seq: expect.any(Number) } });
    await until("the other device has it", async () => (await b.get("alert.door")) !== null, 2 * GOSSIP_MS);
    await a.restart("SIGKILL");
    expect(await a.get("alert.door")).toEqual(await b.get("alert.door"));
  });
});
