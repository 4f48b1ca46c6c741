/** What passes between clients and the broker model (MQTT 5.0, 3.1 and 3.3), and how many bytes it takes on the wire. */
import { toHex } from "../../firmware/core/bytes.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import type { MqttProtocol } from "../../firmware/ports/mqtt-connection.ts";

export type Qos = 0 | 1 | 2;

/** A message as a client hands it over. */
export interface Publication {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly qos: Qos;
  readonly retain?: boolean;
  readonly expirySeconds?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly userProperties?: Readonly<Record<string, string>>;
}

/** Reason codes the model gives (MQTT 5.0, 2.4). */
export const REASON = Object.freeze({
  success: 0x00,
  noMatchingSubscribers: 0x10,
  unsupportedVersion: 0x84,
  badCredentials: 0x86,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  keepAliveTimeout: 0x8d,
  sessionTakenOver: 0x8e,
  filterInvalid: 0x8f,
  topicInvalid: 0x90,
  receiveMaximumExceeded: 0x93,
  packetTooLarge: 0x95,
  connectionRateExceeded: 0x9f,
});

/** Return codes of a 3.1.1 CONNACK (MQTT 3.1.1, 3.2.2.3) for the reason codes of MQTT 5. */
const RETURN_CODES: ReadonlyMap<number, number> = new Map([
  [REASON.success, 0],
  [REASON.unsupportedVersion, 1],
  [REASON.badCredentials, 4],
  [REASON.notAuthorized, 5],
]);

/** What CONNACK carries for a reason; 3.1.1 has five refusals only, everything else is "server unavailable". */
export function connackCode(reasonCode: number, protocol: MqttProtocol): number {
  return protocol === "5" ? reasonCode : (RETURN_CODES.get(reasonCode) ?? 3);
}

/** A message the broker has accepted. One object serves all its receivers. */
export class BrokerMessage {
  readonly publication: Publication;
  /** Name of the client's channel; the one that left for a last will. */
  readonly publisher: string;
  /** True time from which it is not delivered any more; null never. */
  readonly expiresAtUs: number | null;
  /** Length of its PUBLISH packet. */
  readonly bytes: number;
  #digest: string | null = null;

  constructor(publication: Publication, publisher: string, expiresAtUs: number | null) {
    this.publication = publication;
    this.publisher = publisher;
    this.expiresAtUs = expiresAtUs;
    this.bytes = publishBytes(publication);
  }

  /** First 8 hex characters of the body's SHA-256, for records; computed when first asked for. */
  get digest(): string {
    this.#digest ??= toHex(sha256(this.publication.payload).subarray(0, 4));
    return this.#digest;
  }

  expired(nowUs: number): boolean {
    return this.expiresAtUs !== null && nowUs >= this.expiresAtUs;
  }
}

/** One transmission of a message to one session. */
export interface Delivery {
  readonly message: BrokerMessage;
  readonly qos: Qos;
  readonly retained: boolean;
  /** 0 with QoS 0. */
  readonly packetId: number;
  readonly dup: boolean;
}

/** Bytes of a text in UTF-8; lone surrogates count as the three bytes of U+FFFD. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes += 1;
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2; // Four bytes for two units.
      i++;
    } else bytes += 2;
  }
  return bytes;
}

/** Bytes of a variable byte integer (MQTT 5.0, 1.5.5). */
const varintBytes = (value: number): number =>
  value < 128 ? 1 : value < 16_384 ? 2 : value < 2_097_152 ? 3 : 4;

function propertyBytes(publication: Publication): number {
  let bytes = publication.expirySeconds === undefined ? 0 : 5;
  if (publication.responseTopic !== undefined) bytes += 3 + utf8Bytes(publication.responseTopic);
  if (publication.correlationData !== undefined) bytes += 3 + publication.correlationData.length;
  for (const [key, value] of Object.entries(publication.userProperties ?? {}))
    bytes += 5 + utf8Bytes(key) + utf8Bytes(value);
  return bytes;
}

/** Length of the PUBLISH packet in MQTT 5 (3.3). */
export function publishBytes(publication: Publication): number {
  const properties = propertyBytes(publication);
  const remaining =
    2 +
    utf8Bytes(publication.topic) +
    (publication.qos > 0 ? 2 : 0) +
    varintBytes(properties) +
    properties +
    publication.payload.length;
  return 1 + varintBytes(remaining) + remaining;
}
