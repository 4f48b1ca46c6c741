import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EmbeddedBroker } from "../../firmware/adapters/embedded-broker.ts";
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { mqttConnect } from "../../firmware/adapters/mqtt-link.ts";
import { PinoLog } from "../../firmware/adapters/pino-log.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { checkSignatures } from "../../firmware/core/dsse-verify.ts";
import { type Ed25519KeyPair, generateKeyPair, keyPairFromPem } from "../../firmware/core/ed25519.ts";
import { deviceIdOf } from "../../firmware/core/key-record.ts";
import { deviceTopics, type Receipt, readAuthority, readCommand } from "../../firmware/fleet/index.ts";
import { signReceipt } from "../../firmware/fleet/receipt.ts";
import { imuctl, tempDir } from "./support.ts";

const log = PinoLog.create("silent");
const entropy = new SystemEntropy();
const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });

/** A device that checks a command with the product's reader and answers as the case wants. */
async function fakeDevice(
  port: number,
  dir: string,
  answer: (receipt: Receipt, challenge: string | undefined) => Receipt,
  signer: (own: Ed25519KeyPair) => Ed25519KeyPair = (own) => own,
) {
  const pair = keyPairFromPem(await readFile(join(dir, "state/keys/device.key"), "utf8"));
  const device = deviceIdOf(pair.publicKeyHex);
  const authority = readAuthority(await readFile(join(dir, "authority.json")), "plant");
  const bus = new MqttBus({
    connect: mqttConnect({ host: "127.0.0.1", port }, clock),
    clientId: device,
    clock,
    entropy,
    log,
  });
  const topics = deviceTopics("plant", device);
  const received: string[] = [];
  await new Promise<void>((resolve) => bus.onState("test", (state) => state === "online" && resolve()));
  await bus.subscribe(topics.command, ({ payload }) => {
    const read = readCommand(payload);
    if (!read.ok) throw new Error(`the command does not read: ${read.code}`);
    const [signature] = checkSignatures(read.envelope, read.payload, authority.keys);
    received.push(`${read.command.name} ${signature?.valid === true ? "signed" : "UNSIGNED"}`);
    const receipt: Receipt = {
      schema: "imu.receipt/1",
      commandId: read.command.id,
      commandHash: read.hash,
      device,
      outcome: "done",
      code: "ok",
      status: 200,
      details: { args: read.command.args },
      ledger: { seq: 7, hash: "a".repeat(64) },
      policyHash: null,
      at: 1_750_000_000_000,
    };
    const bytes = signReceipt(answer(receipt, read.command.challenge), signer(pair));
    void bus.publish(topics.reply(read.command.id), bytes, { qos: 1, retain: false });
  });
  const status = utf8(JSON.stringify({ schema: "imu.status/1", challenge: "c".repeat(32) }));
  await bus.publish(topics.status, status, { qos: 1, retain: true });
  return { received, [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose]() };
}

describe("imuctl send", () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let broker: EmbeddedBroker;
  let port: number;

  beforeAll(async () => {
    dir = await tempDir();
    broker = new EmbeddedBroker({ log });
    ({ port } = await broker.start());
    await imuctl([
      ...["init", "--dir", dir.path, "--board", "sim", "--fleet", "plant"],
      ...["--broker", `mqtt://127.0.0.1:${port}`],
    ]);
  });
  afterAll(async () => {
    await broker[Symbol.asyncDispose]();
    await dir[Symbol.asyncDispose]();
  });

  const send = (...argv: string[]) =>
    imuctl([
      ...["send", ...argv, "--config", join(dir.path, "imud.yaml")],
      ...["--key", join(dir.path, "operator/operator.key")],
    ]);

  test("the device can read and verify the command, and its receipt is verified", async () => {
    await using device = await fakeDevice(port, dir.path, (receipt) => receipt);

    const { code, out, err } = await send("run.start", "--args", '{"program":"irrigation"}');

    expect(code, err).toBe(0);
    expect(device.received).toEqual(["run.start signed"]);
    expect(out).toContain(
      'outcome\tdone\ncode\tok\nstatus\t200\ndetails\t{"args":{"program":"irrigation"}}\n',
    );
    expect(out).toContain("receipt\tverified\n");
  });

  test("a refused command exits 1 with the device's code", async () => {
    await using _device = await fakeDevice(port, dir.path, (receipt) => ({
      ...receipt,
      outcome: "refused",
      code: "scope_missing",
      status: 403,
    }));

    const { code, out } = await send("outputs.safe");

    expect(code).toBe(1);
    expect(out).toContain("code\tscope_missing\n");
  });

  test("a receipt under another key is not believed", async () => {
    const other = generateKeyPair();
    await using _device = await fakeDevice(
      port,
      dir.path,
      (receipt) => receipt,
      () => other,
    );

    const { code, err } = await send("status.get");

    expect(code).toBe(1);
    expect(err).toContain("The receipt is not signed by the device");
  });

  test("a receipt for another command is not believed", async () => {
    await using _device = await fakeDevice(port, dir.path, (receipt) => ({
      ...receipt,
      commandHash: "0".repeat(64),
    }));

    const { code, err } = await send("status.get");

    expect(code).toBe(1);
    expect(err).toContain("answers another command");
  });

  test("a device that does not trust its clock is answered with its challenge", async () => {
    await using device = await fakeDevice(port, dir.path, (receipt, challenge) =>
      challenge === "c".repeat(32)
        ? receipt
        : { ...receipt, outcome: "refused", code: "clock_untrusted", status: 503 },
    );

    const { code } = await send("status.get");

    expect(code).toBe(0);
    expect(device.received).toHaveLength(2);
  });

  test("silence ends with what to check", async () => {
    const { code, err } = await send("status.get", "--device", "imu-0000000000000000", "--wait", "0");

    expect(code).toBe(1);
    expect(err).toMatch(/no_receipt: imu-0000000000000000 did not answer within 0 s\.\n.*\nremedy: /);
  });

  test("a private key that others may read is not used", async () => {
    const key = join(dir.path, "operator/operator.key");
    await chmod(key, 0o644);

    const { code, err } = await send("status.get");

    await chmod(key, 0o600);
    expect(code).toBe(1);
    expect(err).toContain(`chmod 600 ${key}`);
  });
});
