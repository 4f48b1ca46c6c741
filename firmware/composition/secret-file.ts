/** Secrets of the link, each in a file of its own that nobody else may read. */
import { CodedError } from "../core/errors.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import type { Files } from "../ports/files.ts";

/** @throws CodedError `key_permissions` (422) unless it is a regular file of mode 0600. */
export async function readSecret(files: Files, path: string): Promise<string> {
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
