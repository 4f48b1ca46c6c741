/** The device's own keys (trust.md 8 to 10): created once, checked at every start, never loosened or re-created. */
import { hkdfSync } from "node:crypto";
import { join } from "node:path";
import { fromUtf8, utf8 } from "../core/bytes.ts";
import {
  type Ed25519KeyPair,
  keyPairFromPem,
  keyPairFromSeed,
  privateKeyPem,
  publicKeyPem,
} from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import { deviceIdOf, keyIdOf } from "../core/key-record.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { ResourceRequired } from "../core/resource-required.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";

const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;
const DIRECTORY_MODE = 0o700;
const MASTER_BYTES = 32;

export interface Identity {
  readonly deviceId: string;
  readonly keyId: string;
  /** Signs statements, receipts, gossip and checkpoints. */
  readonly pair: Ed25519KeyPair;
  /** Seals the ledger's head. 32 bytes. */
  readonly headKey: Uint8Array;
  /** Seals evidence envelopes. 32 bytes. */
  readonly seal: { readonly kid: string; readonly key: Uint8Array };
  /** Replaces secrets in the ledger by comparable marks. 32 bytes. */
  readonly redactionKey: Uint8Array;
}

const keysDir = (stateDir: string): string => join(stateDir, "keys");

/** HKDF-SHA256 of the master key for one purpose of the device (trust.md 9). */
function derive(master: Uint8Array, purpose: string): Uint8Array {
  const info = utf8(JSON.stringify({ purpose, subject: "device" }));
  return new Uint8Array(hkdfSync("sha256", master, utf8("imu.seal/1"), info, 32));
}

function refuse(code: string, path: string, why: string, howTo: string, commands: readonly string[]): never {
  const cause = new CodedError(code, why, { status: 428, details: { path } });
  throw new ResourceRequired(
    { resource: `key:${path}`, why, howTo, commands, requiresConsent: false },
    cause,
  );
}

async function checkSecret(files: Files, path: string): Promise<Uint8Array> {
  const info = await files.info(path);
  if (!info)
    refuse("key_missing", path, `There is no key at ${path}.`, "Create the device's identity once.", [
      "imuctl init",
    ]);
  if (info.kind !== "file")
    refuse("key_permissions", path, `${path} is not a regular file.`, "Put the key file itself there.", []);
  if (!info.ownedByMe) {
    refuse("key_permissions", path, `${path} belongs to somebody else.`, "Give it to the daemon's user.", [
      `sudo chown imud: ${path}`,
    ]);
  }
  if ((info.mode & 0o077) !== 0) {
    refuse("key_permissions", path, `${path} is open to others.`, "Close it.", [`chmod 600 ${path}`]);
  }
  return files.read(path, FILE_LIMITS.keyBytes);
}

async function checkDirectory(files: Files, path: string): Promise<void> {
  const info = await files.info(path);
  if (!info)
    refuse("key_missing", path, `There is no folder ${path}.`, "Create the device's identity once.", [
      "imuctl init",
    ]);
  if (info.kind !== "directory" || (info.mode & 0o022) !== 0) {
    refuse("key_permissions", path, `${path} may be written by others.`, "Close the folder.", [
      `chmod 700 ${path}`,
    ]);
  }
}

/** Creates the keys of a new device. @throws CodedError `already_initialised` (409) if there are any. */
export async function createIdentity(files: Files, entropy: Entropy, stateDir: string): Promise<void> {
  const folder = keysDir(stateDir);
  if (await files.info(join(folder, "device.key"))) {
    throw new CodedError(
      "already_initialised",
      `${folder} already holds a device key; nothing was changed.`,
      { status: 409 },
    );
  }
  await files.makeDirectory(folder, DIRECTORY_MODE);
  const pair = keyPairFromSeed(entropy.bytes(32));
  await files.writeAtomic(join(folder, "master.key"), entropy.bytes(MASTER_BYTES), SECRET_MODE);
  await files.writeAtomic(join(folder, "device.pub"), utf8(publicKeyPem(pair.publicKeyHex)), PUBLIC_MODE);
  await files.writeAtomic(join(folder, "device.key"), utf8(privateKeyPem(pair)), SECRET_MODE);
}

/** Loads and checks the keys. @throws ResourceRequired with the exact remedy (`key_missing`, `key_permissions`, `key_malformed` as cause). */
export async function loadIdentity(files: Files, stateDir: string): Promise<Identity> {
  const folder = keysDir(stateDir);
  await checkDirectory(files, folder);
  const devicePath = join(folder, "device.key");
  const masterPath = join(folder, "master.key");
  const master = await checkSecret(files, masterPath);
  const restore = "Restore it from a backup; a lost key is a new device.";
  if (master.length !== MASTER_BYTES)
    refuse("key_malformed", masterPath, `${masterPath} does not hold ${MASTER_BYTES} bytes.`, restore, []);
  const pem = await checkSecret(files, devicePath);
  let pair: Ed25519KeyPair;
  try {
    pair = keyPairFromPem(fromUtf8(pem));
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    return refuse("key_malformed", devicePath, `${devicePath} is not a PKCS#8 Ed25519 key.`, restore, []);
  }
  const sealKey = derive(master, "evidence-seal");
  return {
    deviceId: deviceIdOf(pair.publicKeyHex),
    keyId: keyIdOf(pair.publicKeyHex),
    pair,
    headKey: derive(master, "ledger-head"),
    seal: { kid: sha256Hex(sealKey).slice(0, 16), key: sealKey },
    redactionKey: derive(master, "redaction"),
  };
}
