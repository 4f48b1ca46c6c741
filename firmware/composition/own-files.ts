/** Problems with the device's own files say which file it is and what to do: a start that is refused must be repairable. */
import { CodedError, messageOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { ResourceRequired } from "../core/resource-required.ts";
import type { Files } from "../ports/files.ts";

/**
 * Does some work with one file; what it throws keeps its code (`file_unusable` (500) where the system gave none) and
 * gains the path and the remedy.
 */
export async function aboutFile<T>(path: string, howTo: string, work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ResourceRequired) throw error;
    const why = messageOf(error);
    const message = why.includes(path) ? why : `${path}: ${why}`;
    const { code, status, details } =
      error instanceof CodedError
        ? error
        : { code: "file_unusable", status: 500, details: {} satisfies JsonObject };
    throw new CodedError(code, message, { status, details: { ...details, path, howTo }, cause: error });
  }
}

const DAMAGED =
  "Stop here: keep the folder for examination and restore it from a backup. Without one, move it away and start again: " +
  "the device keeps its keys and begins an empty ledger.";
const DATABASE_REMEDIES: Readonly<Record<string, string>> = {
  store_corrupt: DAMAGED,
  store_unavailable: DAMAGED,
  store_read_only:
    "Find out why the disk went read-only (`dmesg`); replace a card that shows errors, else check the file system and mount it writable.",
  storage_full:
    "Free space on the disk of the state directory; the database needs some megabytes to be opened.",
  store_busy: "Stop the other process first: two daemons must never share one state.",
  store_layout_unknown: "Start the version that wrote it, or a newer one.",
};

/** The same for the database: other problems of the state pass as they are. */
export async function aboutDatabase<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const howTo = error instanceof CodedError ? DATABASE_REMEDIES[error.code] : undefined;
    if (howTo === undefined) throw error;
    return aboutFile(path, howTo, () => Promise.reject(error));
  }
}

const DATABASE_FILE = /^(?:MANIFEST-\d+|\d+\.(?:ldb|sst|log))$/;

/**
 * LevelDB takes a folder without the file CURRENT for a new database and deletes what lies in it; a folder that holds
 * a database must therefore never be opened without one.
 * @throws CodedError `store_corrupt` (500).
 */
export async function checkDatabaseFolder(files: Files, path: string): Promise<void> {
  if (await files.info(`${path}/CURRENT`)) return;
  const rest = (await files.list(path)).filter((name) => DATABASE_FILE.test(name));
  if (rest.length === 0) return;
  throw new CodedError("store_corrupt", `The database in ${path} has lost its file CURRENT.`, {
    details: { files: rest.slice(0, 16), database: true },
  });
}
