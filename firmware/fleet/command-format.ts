/** The command as operators sign it (trust.md 7), and what is read out of an untrusted message. */

import { type DsseEnvelope, payloadBytes, readEnvelope } from "../core/dsse.ts";
import { readCanonical } from "../core/dsse-verify.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { isMessageId } from "./message-id.ts";

export const COMMAND_TYPE = "application/vnd.imu.command+json";
export const RECEIPT_TYPE = "application/vnd.imu.receipt+json";
/** The whole message, envelope included. */
export const MAX_COMMAND_BYTES = COMMAND_LIMITS.messageBytes;

export type CommandAudience =
  | "*"
  | { readonly devices?: readonly string[]; readonly groups?: readonly string[] };

export interface Command {
  readonly schema: "imu.command/1";
  /** UUIDv7. */
  readonly id: string;
  /** 16 bytes, lower-case hex. */
  readonly nonce: string;
  readonly fleet: string;
  readonly audience: CommandAudience;
  readonly name: string;
  readonly args: JsonObject;
  /** Wall ms. */
  readonly issuedAt: number;
  /** Wall ms, inclusive. */
  readonly expiresAt: number;
  readonly challenge?: string;
  readonly dryRun?: boolean;
  readonly replyTo?: string;
}

export interface ReceivedCommand {
  readonly ok: true;
  readonly envelope: DsseEnvelope;
  readonly payload: Uint8Array;
  readonly command: Command;
  /** SHA-256 of the payload: two commands are the same iff this is. */
  readonly hash: string;
}

const REQUIRED = ["args", "audience", "expiresAt", "fleet", "id", "issuedAt", "name", "nonce", "schema"];
const OPTIONAL = new Set(["challenge", "dryRun", "replyTo"]);
const HEX16 = /^[0-9a-f]{32}$/;
const NAME = /^[a-z0-9_]+(\.[a-z0-9_]+){1,3}$/;

const isText = (value: Json | undefined, max: number): value is string =>
  typeof value === "string" && value.length > 0 && value.length <= max;
const isTexts = (value: Json | undefined): boolean =>
  Array.isArray(value) && value.length <= 256 && value.every((item) => isText(item, 128));
const isTime = (value: Json | undefined): boolean =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0;

function isAudience(value: Json | undefined): boolean {
  if (value === "*") return true;
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(
    ([key, names]) => (key === "devices" || key === "groups") && isTexts(names),
  );
}

/** The member that has the wrong form, or null. */
function wrongMember(value: JsonObject): string | null {
  const keys = Object.keys(value);
  const missing = REQUIRED.find((key) => !Object.hasOwn(value, key));
  if (missing) return missing;
  const unknown = keys.find((key) => !REQUIRED.includes(key) && !OPTIONAL.has(key));
  if (unknown) return unknown;
  const checks: readonly (readonly [string, boolean])[] = [
    ["schema", value.schema === "imu.command/1"],
    ["id", typeof value.id === "string" && isMessageId(value.id)],
    ["nonce", typeof value.nonce === "string" && HEX16.test(value.nonce)],
    ["fleet", isText(value.fleet, 64)],
    ["audience", isAudience(value.audience)],
    ["name", isText(value.name, 64) && NAME.test(String(value.name))],
    ["args", isJsonObject(value.args)],
    ["issuedAt", isTime(value.issuedAt)],
    ["expiresAt", isTime(value.expiresAt)],
    ["challenge", value.challenge === undefined || HEX16.test(String(value.challenge))],
    ["dryRun", value.dryRun === undefined || typeof value.dryRun === "boolean"],
    ["replyTo", value.replyTo === undefined || isText(value.replyTo, 256)],
  ];
  return checks.find(([, right]) => !right)?.[0] ?? null;
}

/** Rows 1 and 3: size, envelope, payload type, canonical payload, fields. Nothing is believed yet. */
export function readCommand(message: Uint8Array): ReceivedCommand | Refusal {
  if (message.length > MAX_COMMAND_BYTES) {
    return refusal("message_too_large", 400, { bytes: message.length, maxBytes: MAX_COMMAND_BYTES });
  }
  let parsed: Json;
  try {
    parsed = parseJson(message, { maxBytes: MAX_COMMAND_BYTES, maxDepth: COMMAND_LIMITS.messageDepth });
  } catch (error) {
    if (error instanceof CodedError) return refusal("malformed", 400, error.details);
    throw error;
  }
  const envelope = readEnvelope(parsed);
  const payload = envelope && payloadBytes(envelope, MAX_COMMAND_BYTES);
  if (!envelope || !payload) return refusal("malformed", 400, { member: "envelope" });
  if (envelope.payloadType !== COMMAND_TYPE) {
    return refusal("payload_type_mismatch", 400, { expected: COMMAND_TYPE });
  }
  const read = readCanonical(payload, MAX_COMMAND_BYTES);
  if (!read.ok) return read;
  if (!isJsonObject(read.value)) return refusal("malformed", 400, { member: "payload" });
  const wrong = wrongMember(read.value);
  if (wrong) return refusal("malformed", 400, { member: wrong });
  const command = read.value as JsonObject & Command;
  return { ok: true, envelope, payload, command, hash: sha256Hex(payload) };
}
