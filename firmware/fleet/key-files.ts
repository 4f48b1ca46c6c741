/** The device's key files (trust.md 10): checked before every load, never loosened, never re-created while reading. */
import { fromUtf8, utf8 } from "../core/bytes.ts";
import { type Ed25519KeyPair, keyPairFromPem, privateKeyPem, publicKeyPem } from "../core/ed25519.ts";
import { CodedError } from "../core/errors.ts";
import { keyFileProblem } from "../core/key-file.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { ResourceRequired } from "../core/resource-required.ts";
import type { Files } from "../ports/files.ts";

/** @throws ResourceRequired whose `why` begins with `key_missing`, `key_permissions` or `key_malformed`. */
async function readKeyFile(
  files: Files,
  directory: string,
  name: string,
  expectedBytes: number | null,
): Promise<Uint8Array> {
  const path = `${directory}/${name}`;
  const [file, parent] = [await files.info(path), await files.info(directory)];
  const problem = keyFileProblem({
    path,
    directory,
    exists: file !== null,
    isRegularFile: file?.kind === "file",
    ownedByDaemon: (file?.ownedByMe ?? false) && (parent?.ownedByMe ?? false),
    mode: file?.mode ?? 0,
    directoryMode: parent?.mode ?? 0,
    bytes: file?.size ?? 0,
    expectedBytes,
  });
  if (problem) {
    const { commands } = problem.details;
    throw keyRequired(path, problem.code, Array.isArray(commands) ? commands.map(String) : []);
  }
  return files.read(path, FILE_LIMITS.keyBytes);
}

function keyRequired(
  path: string,
  code: string,
  commands: readonly string[],
  cause?: unknown,
): ResourceRequired {
  const howTo =
    code === "key_permissions"
      ? "Give the file to the daemon alone with these commands."
      : "Restore the file from the device's backup, or enrol the device again with a new key.";
  return new ResourceRequired(
    { resource: `key:${path}`, why: `${code}: ${path}`, howTo, commands, requiresConsent: false },
    cause,
  );
}

/** The device's signing key. @throws ResourceRequired. */
export async function loadDeviceKey(files: Files, directory: string): Promise<Ed25519KeyPair> {
  const bytes = await readKeyFile(files, directory, "device.key", null);
  try {
    return keyPairFromPem(fromUtf8(bytes));
  } catch (cause) {
    throw keyRequired(`${directory}/device.key`, "key_malformed", [], cause);
  }
}

/** The 32 bytes under which local data is sealed. @throws ResourceRequired. */
export const loadMasterKey = (files: Files, directory: string): Promise<Uint8Array> =>
  readKeyFile(files, directory, "master.key", 32);

/**
 * Stores a fresh device key, at the first start only.
 * @throws CodedError `already_exists` (409) when there is one: a lost key is a new enrolment, never an overwrite.
 */
export async function storeDeviceKey(files: Files, directory: string, pair: Ed25519KeyPair): Promise<void> {
  if (await files.info(`${directory}/device.key`)) {
    throw new CodedError("already_exists", "The device has a key already.", { status: 409 });
  }
  await files.makeDirectory(directory, 0o700);
  await files.writeAtomic(`${directory}/device.pub`, utf8(publicKeyPem(pair.publicKeyHex)), 0o644);
  await files.writeAtomic(`${directory}/device.key`, utf8(privateKeyPem(pair)), 0o600);
}
