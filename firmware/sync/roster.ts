/** The signed list of devices and replicated documents (trust.md 4, sync.md 3), read strictly. */
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import { keyIdOf } from "../core/key-record.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import { CRDT_TYPES, type CrdtType } from "./crdt/types.ts";
import { isReplicaId } from "./hlc.ts";

export interface RosterDevice {
  readonly id: string;
  readonly keyId: string;
  readonly publicKey: string;
  readonly status: "active" | "suspended" | "revoked";
  /** Does not block compaction and must rejoin by snapshot. */
  readonly dormant: boolean;
  /** Last counting sequence number per replica; null while the device is active. */
  readonly revokedAfter: Readonly<Record<string, number>> | null;
}

export interface DocumentRule {
  /** A name; the segment `<id>` stands for any device id. */
  readonly doc: string;
  readonly type: CrdtType;
  readonly writers: "any" | "self" | readonly string[];
  readonly maxEntries: number;
  readonly maxBytes: number;
  readonly ttlMs: number | null;
}

export interface Roster {
  readonly version: number;
  readonly expiresAt: number;
  readonly fleet: string;
  readonly devices: ReadonlyMap<string, RosterDevice>;
  readonly documents: readonly DocumentRule[];
}

const MEMBERS = "devices,documents,expiresAt,fleet,groups,issuedAt,schema,version";
const DEVICE_MEMBERS = new Set(
  (
    "id keyId publicKey alias board groups ring status enrolledAt revokedAt previousKeys x25519 dormant " +
    "revokedAfter"
  ).split(" "),
);
const DOCUMENT_MEMBERS = "doc,maxBytes,maxEntries,ttlMs,type,writers";
const DOC_NAME = /^[a-z0-9<>-]{1,64}(\/[a-zA-Z0-9_.<>-]{1,64}){0,5}$/;

function invalid(where: string): never {
  throw new CodedError("malformed", `The roster is not valid at ${where}.`, {
    status: 400,
    details: { where },
  });
}

function count(value: Json | undefined, where: string): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : invalid(where);
}

function readCut(value: Json | undefined, where: string): Readonly<Record<string, number>> {
  if (value === undefined) return invalid(`${where}.revokedAfter`);
  if (!isJsonObject(value)) return invalid(`${where}.revokedAfter`);
  return Object.fromEntries(
    Object.entries(value).map(([replica, seq]) => [
      isReplicaId(replica) ? replica : invalid(`${where}.revokedAfter`),
      count(seq, `${where}.revokedAfter`),
    ]),
  );
}

function readDevice(value: Json, where: string): RosterDevice {
  if (!isJsonObject(value)) return invalid(where);
  if (Object.keys(value).some((key) => !DEVICE_MEMBERS.has(key))) invalid(`${where}: unknown member`);
  const { id, keyId, publicKey, status, dormant } = value;
  if (typeof id !== "string" || !/^[a-z0-9-]{1,40}$/.test(id)) return invalid(`${where}.id`);
  if (typeof publicKey !== "string" || !/^[0-9a-f]{64}$/.test(publicKey))
    return invalid(`${where}.publicKey`);
  if (keyId !== keyIdOf(publicKey)) return invalid(`${where}.keyId`);
  if (status !== "active" && status !== "suspended" && status !== "revoked")
    return invalid(`${where}.status`);
  if (dormant !== undefined && typeof dormant !== "boolean") return invalid(`${where}.dormant`);
  const revokedAfter = status === "active" ? null : readCut(member(value, "revokedAfter"), where);
  return { id, keyId, publicKey, status, dormant: dormant === true, revokedAfter };
}

function readWriters(value: Json | undefined, where: string): DocumentRule["writers"] {
  if (value === "any" || value === "self") return value;
  if (!Array.isArray(value)) return invalid(where);
  return value.map((id: Json) => (typeof id === "string" ? id : invalid(where)));
}

function readDocument(value: Json, where: string): DocumentRule {
  if (!isJsonObject(value) || Object.keys(value).sort().join() !== DOCUMENT_MEMBERS) return invalid(where);
  const { doc, ttlMs } = value;
  if (typeof doc !== "string" || !DOC_NAME.test(doc)) return invalid(`${where}.doc`);
  const type = CRDT_TYPES.find((known) => known === value.type) ?? invalid(`${where}.type`);
  return {
    doc,
    type,
    writers: readWriters(member(value, "writers"), `${where}.writers`),
    maxEntries: count(member(value, "maxEntries"), `${where}.maxEntries`),
    maxBytes: count(member(value, "maxBytes"), `${where}.maxBytes`),
    ttlMs: ttlMs === null ? null : count(ttlMs, `${where}.ttlMs`),
  };
}

function list(value: Json | undefined, where: string): readonly Json[] {
  return Array.isArray(value) ? value : invalid(where);
}

function unique(names: readonly string[], where: string): void {
  if (new Set(names).size !== names.length) invalid(`${where}: repeated name`);
}

function fromObject(root: JsonObject): Roster {
  if (Object.keys(root).sort().join() !== MEMBERS) invalid("members");
  if (root.schema !== "imu.roster/1") invalid("schema");
  if (typeof root.fleet !== "string" || !/^[a-z0-9-]{1,40}$/.test(root.fleet)) return invalid("fleet");
  count(root.issuedAt, "issuedAt");
  if (root.groups === undefined || !isJsonObject(root.groups)) invalid("groups");
  const devices = list(root.devices, "devices").map((value, i) => readDevice(value, `devices[${i}]`));
  const documents = list(root.documents, "documents").map((value, i) =>
    readDocument(value, `documents[${i}]`),
  );
  unique(
    devices.map(({ id }) => id),
    "devices",
  );
  unique(
    devices.map(({ keyId }) => keyId),
    "devices.keyId",
  );
  unique(
    documents.map(({ doc }) => doc),
    "documents",
  );
  return {
    version: count(root.version, "version"),
    expiresAt: count(root.expiresAt, "expiresAt"),
    fleet: root.fleet,
    devices: new Map(devices.map((device) => [device.id, device])),
    documents,
  };
}

/**
 * Reads the bytes of a roster whose signature the caller has verified.
 * @throws CodedError `malformed` (400) with `details.where`.
 */
export function readRoster(bytes: Uint8Array): Roster {
  const root = parseJson(bytes, { maxBytes: FILE_LIMITS.rosterBytes, maxDepth: FILE_LIMITS.listDepth });
  return isJsonObject(root) ? fromObject(root) : invalid("root");
}

/** The rule of a document and, for a name with `<id>`, whose document it is. An exact name goes before a pattern. */
export function documentRule(
  roster: Roster,
  doc: string,
): { readonly rule: DocumentRule; readonly owner: string | null } | null {
  const exact = roster.documents.find((rule) => rule.doc === doc && !rule.doc.includes("<id>"));
  if (exact) return { rule: exact, owner: null };
  const segments = doc.split("/");
  for (const rule of roster.documents) {
    const pattern = rule.doc.split("/");
    if (pattern.length !== segments.length || !pattern.includes("<id>")) continue;
    const owner = segments[pattern.indexOf("<id>")] ?? "";
    const matches = pattern.every((part, i) =>
      part === "<id>" ? segments[i] === owner : part === segments[i],
    );
    if (matches && /^[a-z0-9-]{1,40}$/.test(owner)) return { rule, owner };
  }
  return null;
}

/** Members whose silence counts: neither suspended, revoked nor dormant. */
export const activeMembers = (roster: Roster): readonly string[] =>
  [...roster.devices.values()].filter((d) => d.status === "active" && !d.dormant).map((d) => d.id);
