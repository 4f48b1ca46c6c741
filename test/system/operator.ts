/** An operator at the broker: signs commands, and believes only receipts that the device has signed. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import { type Ed25519KeyPair, keyPairFromPem, publicKeyFromPem } from "../../firmware/core/ed25519.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { deviceIdOf, keyIdOf } from "../../firmware/core/key-record.ts";
import {
  COMMAND_TYPE,
  deviceTopics,
  newMessageId,
  RECEIPT_TYPE,
  type Receipt,
} from "../../firmware/fleet/index.ts";
import { FLEET } from "./device-folder.ts";
import type { TestBroker } from "./test-broker.ts";

const entropy = new SystemEntropy();
const LIFETIME_MS = 600_000;

export class Operator {
  readonly device: string;
  /** Ids of the commands that were published. */
  readonly sent: string[] = [];
  /** All verified receipts, by command. */
  readonly receipts = new Map<string, Receipt[]>();
  readonly #broker: TestBroker;
  readonly #key: Ed25519KeyPair;
  readonly #devicePublicKey: string;

  private constructor(broker: TestBroker, key: Ed25519KeyPair, devicePublicKey: string) {
    this.#broker = broker;
    this.#key = key;
    this.#devicePublicKey = devicePublicKey;
    this.device = deviceIdOf(devicePublicKey);
    const prefix = `imu/v1/${FLEET}/${this.device}/reply/`;
    broker.onMessage(({ topic, payload }) => {
      if (topic.startsWith(prefix)) this.#note(payload);
    });
  }

  /** With the keys that initialising the folder has made. */
  static async of(broker: TestBroker, dir: string): Promise<Operator> {
    const key = keyPairFromPem(await readFile(join(dir, "operator", "operator.key"), "utf8"));
    const device = publicKeyFromPem(await readFile(join(dir, "state", "keys", "device.pub"), "utf8"));
    return new Operator(broker, key, device);
  }

  #note(payload: Uint8Array): void {
    const keys = new Map([[keyIdOf(this.#devicePublicKey), { publicKey: this.#devicePublicKey }]]);
    const read = verifyEnvelope(JSON.parse(fromUtf8(payload)), { expectedType: RECEIPT_TYPE, keys });
    if (!read.ok) throw new Error(`a receipt does not verify: ${read.code}`);
    const receipt = JSON.parse(fromUtf8(read.payload)) as Receipt;
    this.receipts.set(receipt.commandId, [...(this.receipts.get(receipt.commandId) ?? []), receipt]);
  }

  /** Publishes a signed command and gives its id. It may never arrive: nobody may be listening. */
  async send(name: string, args: JsonObject): Promise<string> {
    const now = Date.now();
    const id = newMessageId(now, entropy);
    const command = {
      schema: "imu.command/1",
      id,
      nonce: toHex(entropy.bytes(16)),
      fleet: FLEET,
      audience: { devices: [this.device] },
      name,
      args,
      issuedAt: now,
      expiresAt: now + LIFETIME_MS,
    };
    const signed = signStatement(COMMAND_TYPE, command, [
      { keyId: keyIdOf(this.#key.publicKeyHex), pair: this.#key },
    ]);
    this.sent.push(id);
    await this.#broker.publish(deviceTopics(FLEET, this.device).command, utf8(canonicalize(signed)));
    return id;
  }
}
