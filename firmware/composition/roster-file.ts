/**
 * The roster as files: `roster.json` is the one in force, `roster.<version>.json` beside it are its predecessors.
 * A device that joins later needs them to judge what was written under them.
 */
import { basename, dirname, join } from "node:path";
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { publicKeyFromPem } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { deviceIdOf, keyIdOf } from "../core/key-record.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { parseJson } from "../core/parse-json.ts";
import type { Files } from "../ports/files.ts";
import { type Roster, readRoster } from "../sync/index.ts";

const YEAR_MS = 365 * 86_400_000;
const PUBLIC_MODE = 0o644;

const olderName = (path: string, version: number | string): string =>
  basename(path).replace(/(\.json)?$/, `.${version}.json`);

const parse = (bytes: Uint8Array): JsonObject => {
  const value = parseJson(bytes, { maxBytes: FILE_LIMITS.rosterBytes, maxDepth: FILE_LIMITS.listDepth });
  return isJsonObject(value) ? value : {};
};

/** The roster in force as a document. @throws CodedError `not_found` (404), `malformed` (400). */
export const readRosterDocument = async (files: Files, path: string): Promise<JsonObject> =>
  parse(await files.read(path, FILE_LIMITS.rosterBytes));

const rowsOf = (document: JsonObject): readonly JsonObject[] =>
  Array.isArray(document.devices) ? document.devices.filter(isJsonObject) : [];

/** A row as the roster wants it, for a device of which only the public key is known. */
export const deviceRow = (publicKey: string, board: string): JsonObject => ({
  id: deviceIdOf(publicKey),
  keyId: keyIdOf(publicKey),
  publicKey,
  board,
  status: "active",
  dormant: false,
});

/**
 * The roster in force and its predecessors, newest first.
 * @throws CodedError `malformed` (400), `not_found` (404), `wrong_fleet` (409) for a predecessor of another fleet.
 */
export async function readRosters(files: Files, path: string): Promise<readonly [Roster, ...Roster[]]> {
  const current = readRoster(await files.read(path, FILE_LIMITS.rosterBytes));
  const [before, after] = olderName(path, "\n").split("\n") as [string, string];
  const isOlder = (name: string): boolean =>
    name.startsWith(before) && name.endsWith(after) && /^\d+$/.test(name.slice(before.length, -after.length));
  const older: Roster[] = [];
  for (const name of await files.list(dirname(path))) {
    if (!isOlder(name)) continue;
    const roster = readRoster(await files.read(join(dirname(path), name), FILE_LIMITS.rosterBytes));
    requireFleet(roster, current.fleet, name);
    if (roster.version < current.version) older.push(roster);
  }
  older.sort((a, b) => b.version - a.version);
  return [current, ...older.slice(0, FILE_LIMITS.olderRosters)];
}

function requireFleet({ fleet }: Roster, wanted: string, name: string): void {
  if (fleet === wanted) return;
  throw new CodedError("wrong_fleet", `${name} is of fleet "${fleet}", not "${wanted}".`, {
    status: 409,
    details: { fleet, remedy: "give both devices the same fleet name (imuctl init --fleet)." },
  });
}

/**
 * What a file names: the devices of a roster, or the one device of a public key in PEM.
 * @throws CodedError `malformed` (400), `key_malformed` (422), `wrong_fleet` (409).
 */
export function devicesIn(
  bytes: Uint8Array,
  facts: { readonly fleet: string; readonly board: string; readonly name: string },
): readonly JsonObject[] {
  if (fromUtf8(bytes).startsWith("-----BEGIN")) {
    return [deviceRow(publicKeyFromPem(fromUtf8(bytes)), facts.board)];
  }
  requireFleet(readRoster(bytes), facts.fleet, facts.name);
  return rowsOf(parse(bytes));
}

export interface MergedRoster {
  readonly version: number;
  /** Ids of devices that were not in it before. */
  readonly added: readonly string[];
  /** Ids of all its devices. */
  readonly devices: readonly string[];
  readonly bytes: Uint8Array;
}

/**
 * The next version of a roster, with these devices added; the same bytes if all are in it. Documents, groups and rows
 * that are there stay as they are: they decide how batches are judged.
 * @throws CodedError `malformed` (400), `roster_key_mismatch` (409) when an id is there with another key.
 */
export function mergeRoster(bytes: Uint8Array, rows: readonly JsonObject[], nowMs: number): MergedRoster {
  const roster = readRoster(bytes);
  const document = parse(bytes);
  const devices = [...rowsOf(document)];
  const added: string[] = [];
  for (const row of rows) {
    const id = String(row.id);
    const known = devices.find((device) => device.id === row.id);
    if (known === undefined) {
      devices.push(row);
      added.push(id);
    } else if (known.publicKey !== row.publicKey) {
      const message = `${id} is in the roster with another key; nothing was changed.`;
      throw new CodedError("roster_key_mismatch", message, { status: 409, details: { id } });
    }
  }
  const ids = devices.map(({ id }) => String(id));
  if (added.length === 0) return { version: roster.version, added, devices: ids, bytes };
  const version = roster.version + 1;
  const expiresAt = Math.max(roster.expiresAt, nowMs + YEAR_MS);
  const next: Json = { ...document, version, issuedAt: nowMs, expiresAt, devices };
  const merged = utf8(`${JSON.stringify(next, null, 2)}\n`);
  readRoster(merged);
  return { version, added, devices: ids, bytes: merged };
}

export interface AddedToRoster extends Omit<MergedRoster, "bytes"> {
  /** All files of the roster: what every device of the fleet needs in its configuration folder. */
  readonly files: readonly string[];
}

/** Adds devices to a roster file; its predecessor is kept beside it. @throws CodedError of {@link mergeRoster}. */
export async function addToRoster(
  files: Files,
  path: string,
  rows: readonly JsonObject[],
  nowMs: number,
): Promise<AddedToRoster> {
  const before = await files.read(path, FILE_LIMITS.rosterBytes);
  const { bytes, ...merged } = mergeRoster(before, rows, nowMs);
  if (merged.added.length > 0) {
    const older = join(dirname(path), olderName(path, readRoster(before).version));
    await files.writeAtomic(older, before, PUBLIC_MODE);
    await files.writeAtomic(path, bytes, PUBLIC_MODE);
  }
  const rosters = await readRosters(files, path);
  const older = rosters.slice(1).map(({ version }) => join(dirname(path), olderName(path, version)));
  return { ...merged, files: [path, ...older] };
}
