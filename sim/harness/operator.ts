/** An operator of the simulated fleet: signs commands, keeps what was sent and every receipt that came back. */
import { MqttBus } from "../../firmware/adapters/mqtt-bus.ts";
import { fromUtf8, toHex, utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { signStatement } from "../../firmware/core/dsse.ts";
import { verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import { codeOf } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { keyIdOf } from "../../firmware/core/key-record.ts";
import { parseJson } from "../../firmware/core/parse-json.ts";
import {
  COMMAND_TYPE,
  deviceTopics,
  newMessageId,
  RECEIPT_TYPE,
  type Receipt,
} from "../../firmware/fleet/index.ts";
import { fleetTopics } from "../../firmware/fleet/topics.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Log } from "../../firmware/ports/log.ts";
import type { MqttConnect } from "../../firmware/ports/mqtt-connection.ts";
import type { DeviceKeys, OperatorKey } from "./provision.ts";

/** A command that an operator has signed. */
export interface SentCommand {
  readonly id: string;
  readonly device: string;
  readonly name: string;
  readonly args: JsonObject;
  readonly atUs: number;
  readonly expiresAt: number;
  /** The message as it was published. */
  readonly message: Uint8Array;
  readonly topic: string;
}

export interface ReceivedReceipt {
  readonly device: string;
  readonly atUs: number;
  readonly receipt: Receipt;
}

export interface OperatorOptions {
  readonly key: OperatorKey;
  readonly fleet: string;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly connect: MqttConnect;
  readonly nowUs: () => number;
  readonly onForged: (device: string, why: string) => void;
}

/** What of a command is not as usual. */
export interface SignChange {
  readonly lifetimeMs?: number;
  readonly issuedAt?: number;
  readonly challenge?: string;
}

const DEFAULT_LIFETIME_MS = 600_000;

export class SimOperator implements AsyncDisposable {
  readonly key: OperatorKey;
  readonly bus: MqttBus;
  readonly sent: SentCommand[] = [];
  readonly receipts: ReceivedReceipt[] = [];
  /** The newest status of each device, by device id. */
  readonly statuses = new Map<string, JsonObject>();
  readonly #options: OperatorOptions;

  constructor(options: OperatorOptions) {
    this.#options = options;
    this.key = options.key;
    const { connect, key, clock, entropy, log } = options;
    this.bus = new MqttBus({ connect, clientId: key.id, clock, entropy, log });
  }

  /** Listens to replies and statuses of these devices. */
  async listen(devices: readonly DeviceKeys[]): Promise<void> {
    const { fleet } = this.#options;
    for (const device of devices) {
      const prefix = deviceTopics(fleet, device.deviceId).reply("x").slice(0, -1);
      await this.bus.subscribe(`${prefix}+`, ({ payload }) => this.#note(device, payload));
    }
    await this.bus.subscribe(fleetTopics(fleet).allStatus, ({ topic, payload }) => {
      const device = topic.split("/").at(-2) ?? "";
      const status: unknown = JSON.parse(fromUtf8(payload));
      if (typeof status === "object" && status !== null) this.statuses.set(device, status as JsonObject);
    });
  }

  /** Signs a command for a device. */
  sign(device: string, name: string, args: JsonObject, change: SignChange = {}): SentCommand {
    const { clock, entropy, fleet, nowUs } = this.#options;
    const issuedAt = change.issuedAt ?? clock.wallMs();
    const expiresAt = issuedAt + (change.lifetimeMs ?? DEFAULT_LIFETIME_MS);
    const id = newMessageId(clock.wallMs(), entropy);
    const command = {
      schema: "imu.command/1",
      id,
      nonce: toHex(entropy.bytes(16)),
      fleet,
      audience: { devices: [device] },
      name,
      args,
      issuedAt,
      expiresAt,
      ...(change.challenge === undefined ? {} : { challenge: change.challenge }),
    };
    const { keyId, pair } = this.key;
    const message = utf8(canonicalize(signStatement(COMMAND_TYPE, command, [{ keyId, pair }])));
    const topic = deviceTopics(fleet, device).command;
    return { id, device, name, args, atUs: nowUs(), expiresAt, message, topic };
  }

  /** Publishes a signed command once. It may be lost on its way: nobody repeats it but `again`. */
  async send(command: SentCommand, topic = command.topic): Promise<boolean> {
    if (!this.sent.includes(command)) this.sent.push(command);
    try {
      await this.bus.publish(topic, command.message, { qos: 1, retain: false });
      return true;
    } catch (error) {
      this.#options.log.info("command_unpublished", { id: command.id, code: codeOf(error) });
      return false;
    }
  }

  receiptsOf(commandId: string): readonly ReceivedReceipt[] {
    return this.receipts.filter(({ receipt }) => receipt.commandId === commandId);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bus[Symbol.asyncDispose]();
  }

  #note(device: DeviceKeys, payload: Uint8Array): void {
    const { onForged, nowUs } = this.#options;
    const keys = new Map([[keyIdOf(device.publicKey), { publicKey: device.publicKey }]]);
    const value = parseJson(payload, { maxBytes: 65_536, maxDepth: 16 });
    const read = verifyEnvelope(value, { expectedType: RECEIPT_TYPE, keys });
    if (!read.ok) {
      onForged(device.deviceId, read.code);
      return;
    }
    const receipt = JSON.parse(fromUtf8(read.payload)) as Receipt;
    this.receipts.push({ device: device.deviceId, atUs: nowUs(), receipt });
  }
}
