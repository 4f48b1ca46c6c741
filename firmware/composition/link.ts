/** The link to the site's broker: a real one by URL, one inside the daemon for demonstrations, or none. */
import { MqttBus } from "../adapters/mqtt-bus.ts";
import { CodedError } from "../core/errors.ts";
import { LINK_LIMITS } from "../core/limits.ts";
import { type DeviceIdentity, offlineMessage } from "../fleet/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { LinkState, MessageBus } from "../ports/message-bus.ts";
import type { BrokerConfig } from "./config-schema.ts";
import type { Platform } from "./platform.ts";
import { readSecret } from "./secret-file.ts";

/** A device without a broker: local runs work, nothing travels. */
export class OfflineBus implements MessageBus {
  readonly state: LinkState = "offline";
  readonly protocol = null;

  publish(): Promise<void> {
    return Promise.reject(new CodedError("link_lost", "No broker is configured.", { status: 503 }));
  }

  async subscribe(): Promise<AsyncDisposable> {
    return { [Symbol.asyncDispose]: async () => undefined };
  }

  onState(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Nothing is held.
  }
}

export interface Link {
  readonly bus: MessageBus;
  /** Where the broker listens; null without one. */
  readonly address: string | null;
  readonly embedded: boolean;
  close(): Promise<void>;
}

export interface LinkParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly device: DeviceIdentity;
  readonly statusTopic: string;
}

/** @throws CodedError `key_permissions` (422); what the platform throws if the broker cannot be opened. */
export async function openLink(
  config: BrokerConfig | null,
  platform: Platform,
  parts: LinkParts,
): Promise<Link> {
  const { clock, log, device, statusTopic } = parts;
  const { files, entropy } = platform;
  if (!config) return { bus: new OfflineBus(), address: null, embedded: false, close: async () => undefined };
  const broker = await platform.openBroker(config, { clock, log });
  const bus = new MqttBus({
    connect: broker.connect,
    clientId: device.id,
    ...(config.username ? { username: config.username } : {}),
    ...(config.passwordFile ? { password: await readSecret(files, config.passwordFile) } : {}),
    will: { topic: statusTopic, payload: offlineMessage(device) },
    clock,
    entropy,
    log: log.child({ part: "mqtt" }),
    maxPacketBytes: LINK_LIMITS.packetBytes,
  });
  return {
    bus,
    address: broker.address,
    embedded: broker.embedded,
    close: async () => {
      await bus[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}
