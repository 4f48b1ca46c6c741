/** The operator's link to the broker: from options, else from the configuration at hand. */

import { MqttBus } from "../adapters/mqtt-bus.ts";
import { mqttConnect } from "../adapters/mqtt-link.ts";
import type { MqttEndpoint } from "../adapters/mqtt-socket.ts";
import { PinoLog } from "../adapters/pino-log.ts";
import { fromUtf8, toHex } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { FILE_LIMITS, LINK_LIMITS } from "../core/limits.ts";
import type { MessageBus } from "../ports/message-bus.ts";
import { type OptionValue, textOption } from "./command.ts";
import { deferred } from "./deferred.ts";
import { UsageError } from "./errors.ts";
import { objectIn } from "./json-input.ts";
import { configIfAny } from "./operator.ts";
import type { Session } from "./session.ts";

export const BROKER_OPTIONS = [
  ["--broker <url>", "mqtt:// or mqtts://; default: the broker of the configuration"],
  ["--ca <pem>", "certificate of the authority that signed the broker's"],
  ["--cert <pem>", "client certificate"],
  ["--cert-key <pem>", "its private key"],
  ["--username <name>", "user at the broker"],
  ["--password-file <file>", "file with the password"],
] as const;

type Options = Readonly<Record<string, OptionValue>>;

interface Place {
  readonly url: string;
  readonly ca: string | null;
  readonly username: string | null;
  readonly passwordFile: string | null;
}

/** An embedded broker may listen on any free port, which only the running daemon knows. */
async function embeddedAddress(
  session: Session,
  embedded: { readonly host: string; readonly port: number },
): Promise<string> {
  if (embedded.port !== 0) return `mqtt://${embedded.host}:${embedded.port}`;
  const address = objectIn(objectIn(await session.ask("status", {})).link).broker;
  if (typeof address === "string") return address;
  throw new CodedError("link_down", "The daemon's own broker is not running.", { status: 503 });
}

async function placeOf(session: Session, options: Options): Promise<Place> {
  const path = (value: OptionValue): string | null => {
    const file = textOption(value);
    return file === null ? null : session.path(file);
  };
  const own = {
    ca: path(options.ca),
    username: textOption(options.username),
    passwordFile: path(options.passwordFile),
  };
  const url = textOption(options.broker);
  if (url !== null) return { url, ...own };
  const broker = (await configIfAny(session))?.broker;
  const configured =
    broker?.url ?? (broker?.embedded ? await embeddedAddress(session, broker.embedded) : null);
  if (configured === null) throw new UsageError("which broker?", "name it: --broker mqtts://broker.example.");
  return {
    url: configured,
    ca: own.ca ?? broker?.caFile ?? null,
    username: own.username ?? broker?.username ?? null,
    passwordFile: own.passwordFile ?? broker?.passwordFile ?? null,
  };
}

function parsed(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && (url.protocol === "mqtt:" || url.protocol === "mqtts:") && url.hostname !== "") return url;
  throw new UsageError(`"${text}" is no broker address.`, "for example mqtts://broker.example:8883.");
}

async function textOf(session: Session, path: string, maxBytes: number): Promise<string> {
  return fromUtf8(await session.io.files.read(path, maxBytes));
}

async function endpointOf(session: Session, options: Options, place: Place): Promise<MqttEndpoint> {
  const url = parsed(place.url);
  const isTls = url.protocol === "mqtts:";
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const port = Number(url.port) || (isTls ? 8883 : 1883);
  if (!isTls) return { host, port };
  const [cert, key] = [textOption(options.cert), textOption(options.certKey)];
  return {
    host,
    port,
    tls: {
      ...(place.ca ? { ca: await textOf(session, place.ca, FILE_LIMITS.certificateBytes) } : {}),
      ...(cert ? { cert: await textOf(session, session.path(cert), FILE_LIMITS.certificateBytes) } : {}),
      ...(key ? { key: await textOf(session, session.path(key), FILE_LIMITS.certificateBytes) } : {}),
    },
  };
}

/** @throws CodedError `link_down` (503) if the broker does not accept the connection in time. */
async function online(session: Session, bus: MqttBus, where: string): Promise<void> {
  if (bus.state === "online") return;
  const done = deferred<boolean>();
  using _state = bus.onState("imuctl", (state) => {
    if (state === "online") done.resolve(true);
  });
  using _limit = session.io.clock.after(LINK_LIMITS.connectMs, () => done.resolve(false));
  const stop = (): void => done.reject(session.io.signal.reason);
  session.io.signal.addEventListener("abort", stop, { once: true });
  try {
    if (await done.promise) return;
  } finally {
    session.io.signal.removeEventListener("abort", stop);
  }
  throw new CodedError("link_down", `The broker at ${where} does not accept the connection.`, {
    status: 503,
  });
}

/** A connected bus of its own name, so that two operators never push each other off the broker. */
export async function openBroker(session: Session, options: Options): Promise<MessageBus> {
  const { clock, entropy } = session.io;
  const place = await placeOf(session, options);
  const endpoint = await endpointOf(session, options, place);
  const password = place.passwordFile
    ? await textOf(session, place.passwordFile, FILE_LIMITS.secretBytes)
    : null;
  const bus = new MqttBus({
    connect: mqttConnect(endpoint, clock),
    clientId: `imuctl-${toHex(entropy.bytes(6))}`,
    ...(place.username === null ? {} : { username: place.username }),
    ...(password === null ? {} : { password: password.trim() }),
    clock,
    entropy,
    log: PinoLog.create("silent"),
    maxPacketBytes: LINK_LIMITS.packetBytes,
  });
  try {
    await online(session, bus, `${endpoint.host}:${endpoint.port}`);
    return bus;
  } catch (error) {
    await bus[Symbol.asyncDispose]();
    throw error;
  }
}
