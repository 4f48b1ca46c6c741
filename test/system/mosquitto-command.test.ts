import { execFile, execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import { fromHex, fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import {
  type Ed25519KeyPair,
  keyPairFromPem,
  keyPairFromSeed,
  publicKeyPem,
} from "../../firmware/core/ed25519.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { COMMAND_TYPE, newMessageId, RECEIPT_TYPE, type Receipt } from "../../firmware/fleet/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import {
  DEVICE,
  deviceKey,
  FLEET,
  keyRecord,
  startDevice,
  type TestDevice,
  topics,
} from "../fleet/device.ts";
import { entropy, realClock, silentLog, until } from "../fleet/support.ts";
import { MosquittoBroker, missingPrograms } from "./mosquitto-broker.ts";

const run = promisify(execFile);
const missing = missingPrograms();

/** A script of the protocol's documentation, exactly as a reader would copy it. */
function documented(name: string): string {
  const text = readFileSync(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  const script = new RegExp(`<!-- script: ${name} -->\\n\`\`\`bash\\n([\\s\\S]*?)\`\`\``).exec(text)?.[1];
  if (!script) throw new Error(`docs/protocol.md has no script ${name}`);
  return script;
}

describe.skipIf(missing.length > 0)("a device behind Mosquitto with TLS and ACL", () => {
  const broker = new MosquittoBroker();
  const runs: unknown[] = [];
  const replies = new Map<string, Receipt[]>();
  const stranger = keyPairFromSeed(new Uint8Array(32).fill(9));
  let operator: Ed25519KeyPair;
  let bus: MqttBus;
  let watcher: MqttBus;
  let device: TestDevice;

  const connect = (user: string): MqttBus =>
    new MqttBus({
      connect: mqttConnect({ host: "127.0.0.1", port: broker.port, tls: { ca: broker.ca } }, realClock()),
      clientId: `${user}-${entropy.below(2 ** 32)}`,
      username: user,
      password: user,
      clock: realClock(),
      entropy,
      log: silentLog,
    });

  beforeAll(async () => {
    await broker.start(FLEET, DEVICE);
    execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", broker.path("operator.key")]);
    operator = keyPairFromPem(readFileSync(broker.path("operator.key"), "utf8"));
    writeFileSync(broker.path("device.pub"), publicKeyPem(deviceKey.publicKeyHex));
    bus = connect("device");
    watcher = connect("operator");
    await watcher.subscribe(`imu/v1/${FLEET}/${DEVICE}/reply/+`, ({ topic, payload }) => {
      const read = verifyEnvelope(JSON.parse(fromUtf8(payload)), {
        expectedType: RECEIPT_TYPE,
        keys: new Map([[keyIdOf(deviceKey.publicKeyHex), { publicKey: deviceKey.publicKeyHex }]]),
      });
      if (!read.ok) throw new Error(`a receipt does not verify: ${read.code}`);
      const id = topic.split("/").at(-1) ?? "";
      replies.set(id, [...(replies.get(id) ?? []), JSON.parse(fromUtf8(read.payload)) as Receipt]);
    });
    device = await startDevice({
      bus,
      store: new MemoryStore(),
      clock: realClock(),
      keys: [keyRecord(operator, ["command"])],
      handlers: {
        "run.start": async (args) => {
          runs.push(args);
          return { status: 200, details: { runs: runs.length } };
        },
        "outputs.safe": async () => ({ status: 200, details: {} }),
      },
    });
    await until("both online", () => bus.state === "online" && watcher.state === "online");
  });

  afterAll(async () => {
    await device?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
    await watcher?.[Symbol.asyncDispose]();
    await broker[Symbol.asyncDispose]();
  });

  const statement = (changes: Record<string, unknown> = {}) => {
    const now = Date.now();
    return {
      schema: "imu.command/1",
      id: newMessageId(now, entropy),
      nonce: toHex(entropy.bytes(16)),
      fleet: FLEET,
      audience: { devices: [DEVICE] },
      name: "run.start",
      args: { program: "pump" },
      issuedAt: now,
      expiresAt: now + 60_000,
      ...changes,
    };
  };
  const signed = (command: unknown, pair = operator): string =>
    canonicalize(signStatement(COMMAND_TYPE, command, [{ keyId: keyIdOf(pair.publicKeyHex), pair }]));
  const publish = async (message: string | Uint8Array): Promise<void> => {
    const path = broker.path(`message-${entropy.below(2 ** 32)}`);
    writeFileSync(path, message);
    await run("mosquitto_pub", [
      ...broker.clientOptions("operator"),
      "-q",
      "1",
      "-t",
      topics.command,
      "-f",
      path,
    ]);
  };
  const replied = async (id: string, count = 1): Promise<Receipt> => {
    await until(`${count} receipts`, () => (replies.get(id)?.length ?? 0) >= count);
    const receipt = replies.get(id)?.at(-1);
    if (!receipt) throw new Error("no receipt");
    return receipt;
  };

  it("speaks MQTT 5 with it", () => {
    expect(bus.protocol).toBe("5");
  });

  it("executes a command signed with openssl and sent with mosquitto_pub, and proves it", async () => {
    const env = {
      ...process.env,
      FLEET,
      DEVICE,
      KEY: broker.path("operator.key"),
      MQTT: broker.clientOptions("operator").join(" "),
      DEVICE_KEY: broker.path("device.pub"),
    };
    const before = runs.length;
    const send = ["-c", documented("send-command"), "send-command", "run.start"];
    const { stdout: envelope } = await run("bash", [...send, '{"program":"pump"}'], { env });
    expect(runs.slice(before)).toEqual([{ program: "pump" }]);
    const check = run("bash", ["-c", documented("check-receipt")], { env });
    check.child.stdin?.end(envelope);
    const receipt = JSON.parse((await check).stdout) as Receipt;
    expect(receipt).toMatchObject({
      outcome: "done",
      code: "ok",
      status: 200,
      details: { runs: before + 1 },
    });
    const entry = device.committer.events[receipt.ledger?.seq ?? -1];
    expect(entry).toMatchObject({ kind: "command", data: { commandId: receipt.commandId, op: "run.start" } });

    const forged = run("bash", ["-c", documented("check-receipt")], { env });
    forged.child.stdin?.end(envelope.replace(/"sig":"..../, '"sig":"AAAA'));
    await expect(forged).rejects.toThrow();
  });

  it("answers a second delivery with the same receipt and does not run again", async () => {
    const before = runs.length;
    const command = statement();
    await publish(signed(command));
    const first = await replied(command.id);
    await publish(signed(command));
    expect(await replied(command.id, 2)).toEqual(first);
    expect(runs.length).toBe(before + 1);
  });

  it("refuses what is expired, replayed, of another device, scope or shape, with its code, and runs nothing", async () => {
    const accepted = statement();
    await publish(signed(accepted));
    await replied(accepted.id);
    const before = runs.length;
    const now = Date.now();
    const cases: readonly (readonly [string, number, Record<string, unknown>])[] = [
      ["expired", 412, { issuedAt: now - 60_000, expiresAt: now - 1000 }],
      ["not_yet_valid", 412, { issuedAt: now + 300_000, expiresAt: now + 400_000 }],
      ["lifetime_too_long", 422, { expiresAt: now + 700_000 }],
      ["replayed", 409, { nonce: accepted.nonce }],
      ["wrong_fleet", 403, { fleet: "other" }],
      ["wrong_audience", 403, { audience: { devices: ["imu-0000000000000000"] } }],
      ["scope_missing", 403, { name: "emergency.stop", args: {} }],
      ["unknown_command", 404, { name: "make.coffee", args: {} }],
      ["args_invalid", 422, { args: { program: "pump", extra: 1 } }],
    ];
    for (const [code, status, changes] of cases) {
      const command = statement(changes);
      await publish(signed(command));
      expect(await replied(command.id)).toMatchObject({ outcome: "refused", code, status });
    }
    const conflicting = { ...accepted, args: { program: "other" } };
    await publish(signed(conflicting));
    expect(await replied(accepted.id, 2)).toMatchObject({ outcome: "refused", code: "replay_conflict" });
    expect(runs.length).toBe(before);
  });

  it("counts what nobody vouches for under its code and tells the sender nothing", async () => {
    const before = runs.length;
    const entries = device.committer.events.length;
    const unsigned = statement();
    const unknown = statement();
    const altered = signed(statement());
    const payload = JSON.parse(altered).payload as string;
    const cases: readonly (readonly [string, string | Uint8Array])[] = [
      ["missing_signature", canonicalize(signStatement(COMMAND_TYPE, unsigned, []))],
      ["unknown_key", signed(unknown, stranger)],
      ["bad_signature", altered.replace(payload, Buffer.from(canonicalize(statement())).toString("base64"))],
      ["message_too_large", new Uint8Array(8193).fill(0x20)],
      ["malformed", utf8('{"payloadType":')],
      ["malformed", fromHex("00ff00ff")],
      ["payload_type_mismatch", canonicalize(signStatement(RECEIPT_TYPE, statement(), []))],
    ];
    for (const [code, message] of cases) {
      const known = device.commands.rejected.get(code) ?? 0;
      await publish(message);
      await until(code, () => (device.commands.rejected.get(code) ?? 0) === known + 1);
    }
    const generic = { outcome: "refused", code: "permission_denied", status: 403, details: {}, ledger: null };
    expect(await replied(unsigned.id)).toMatchObject(generic);
    expect(await replied(unknown.id)).toMatchObject(generic);
    expect(runs.length).toBe(before);
    expect(device.committer.events.length).toBe(entries);
  });

  it("is not reached by a user whom the ACL does not let write commands", async () => {
    const command = statement();
    const path = broker.path("forbidden");
    writeFileSync(path, signed(command));
    const args = [
      ...broker.clientOptions("device"),
      "-V",
      "mqttv5",
      "-q",
      "1",
      "-t",
      `imu/v1/${FLEET}/imu-other/cmd`,
    ];
    const result = await run("mosquitto_pub", [...args, "-f", path]).catch((error: Error) => error);
    expect(JSON.stringify(result)).toMatch(/not authori[sz]ed/i);
    await expect(
      bus.publish(`imu/v1/${FLEET}/imu-other/cmd`, utf8("x"), { qos: 1, retain: false }),
    ).rejects.toMatchObject({ code: "publish_refused", details: { permanent: true } });
  });
});
