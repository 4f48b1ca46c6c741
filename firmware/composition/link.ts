/** The link to the site's broker: a real one by URL, one inside the daemon for demonstrations, or none. */
import { readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { EmbeddedBroker } from "../adapters/embedded-broker.ts";
import { MqttBus } from "../adapters/mqtt-bus.ts";
import { mqttConnect } from "../adapters/mqtt-link.ts";
import { CodedError } from "../core/errors.ts";
import { FILE_LIMITS, LINK_LIMITS } from "../core/limits.ts";
import { type DeviceIdentity, offlineMessage } from "../fleet/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { LinkState, MessageBus } from "../ports/message-bus.ts";
import type { BrokerConfig } from "./config-schema.ts";

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

async function secret(files: Files, path: string): Promise<string> {
  const info = await files.info(path);
  if (info?.kind !== "file" || (info.mode & 0o077) !== 0) {
    throw new CodedError(
      "key_permissions",
      `${path} must be a regular file of mode 0600. Remedy: chmod 600 ${path}`,
      { status: 422 },
    );
  }
  return new TextDecoder().decode(await files.read(path, FILE_LIMITS.secretBytes)).trim();
}

export interface LinkParts {
  readonly files: Files;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly device: DeviceIdentity;
  readonly statusTopic: string;
}

/** @throws CodedError `key_permissions` (422); the system's error if the embedded broker cannot listen. */
export async function openLink(config: BrokerConfig | null, parts: LinkParts): Promise<Link> {
  const { files, clock, entropy, log, device, statusTopic } = parts;
  if (!config) return { bus: new OfflineBus(), address: null, embedded: false, close: async () => undefined };
  let broker: EmbeddedBroker | null = null;
  let url: URL;
  if (config.embedded) {
    broker = new EmbeddedBroker({
      log: log.child({ part: "broker" }),
      ...config.embedded,
      maxPacketBytes: LINK_LIMITS.packetBytes,
    });
    const { host, port } = await broker.start();
    url = new URL(`mqtt://${host}:${port}`);
  } else {
    url = new URL(config.url ?? "");
  }
  const secure = url.protocol === "mqtts:";
  const tls = secure
    ? {
        ...(config.caFile ? { ca: await readFile(config.caFile, "utf8") } : {}),
        ...(config.certFile ? { cert: await readFile(config.certFile, "utf8") } : {}),
        ...(config.keyFile ? { key: await secret(files, config.keyFile) } : {}),
        servername: config.serverName ?? url.hostname,
      }
    : null;
  const bus = new MqttBus({
    connect: mqttConnect(
      {
        host: url.hostname,
        port: Number(url.port) || (secure ? 8883 : 1883),
        ...(tls ? { tls } : {}),
      },
      clock,
    ),
    clientId: device.id,
    ...(config.username ? { username: config.username } : {}),
    ...(config.passwordFile ? { password: await secret(files, config.passwordFile) } : {}),
    will: { topic: statusTopic, payload: offlineMessage(device) },
    clock,
    entropy,
    log: log.child({ part: "mqtt" }),
    maxPacketBytes: LINK_LIMITS.packetBytes,
  });
  return {
    bus,
    address: url.href,
    embedded: broker !== null,
    close: async () => {
      await bus[Symbol.asyncDispose]();
      await broker?.[Symbol.asyncDispose]();
    },
  };
}

/** Name of the user the daemon runs as, for remedies. */
export const currentUser = (): string => userInfo().username;
