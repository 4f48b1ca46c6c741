/** What LevelDB's errors mean for the daemon: every one has a code that says what to do. */
import { CodedError } from "../core/errors.ts";

function chain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    parts.push(`${(at as { code?: string }).code ?? ""} ${at.message}`);
  }
  return parts.join(" | ");
}

/** `storage_full`, `store_read_only`, `store_unavailable` (503), `store_corrupt` (500). */
export function storeError(cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const text = chain(cause);
  if (/ENOSPC|EDQUOT|No space left|quota exceeded/i.test(text)) {
    return new CodedError("storage_full", "The disk is full.", { status: 503, cause });
  }
  if (/EROFS|Read-only file system/i.test(text)) {
    return new CodedError("store_read_only", "The disk is mounted read-only.", { status: 503, cause });
  }
  // LevelDB reports a table file that ends before its mapped range as an invalid argument.
  if (/CORRUPT|\.(?:ldb|sst): Invalid argument/i.test(text)) {
    return new CodedError("store_corrupt", "The database files are damaged.", {
      cause,
      details: { database: true },
    });
  }
  return new CodedError("store_unavailable", "The database cannot be used.", { status: 503, cause });
}

/** The same for opening a database; also `store_busy` (503) and `store_missing` (404). */
export function openError(directory: string, cause: unknown, create: boolean): CodedError {
  const text = chain(cause);
  // A lock file that cannot be opened, as on a read-only disk, is nobody else's lock.
  if (/LEVEL_LOCKED/.test(text)) {
    return new CodedError("store_busy", `Another process has ${directory} open.`, { status: 503, cause });
  }
  if (!create && /does not exist|NOT_FOUND/i.test(text)) {
    return new CodedError("store_missing", `There is no database in ${directory}.`, { status: 404, cause });
  }
  const byNature = storeError(cause);
  if (byNature.code === "storage_full" || byNature.code === "store_read_only") return byNature;
  if (/CORRUPT|checksum|meta-nextfile|CURRENT|missing file|MANIFEST/i.test(text)) {
    return new CodedError("store_corrupt", `The database in ${directory} is damaged.`, {
      cause,
      details: { database: true },
    });
  }
  return byNature;
}
