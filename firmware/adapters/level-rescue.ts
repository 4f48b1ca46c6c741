/** Saving what can be saved of a LevelDB database whose files are damaged. The damaged files are kept as they are. */
import { cp, open, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Level } from "level";
import { CodedError } from "../core/errors.ts";
import { DISK_LIMITS } from "../core/limits.ts";
import type { RescuedDatabase } from "../ports/store.ts";
import { freeBytes } from "./resources.ts";

const DONE = "RESCUED";
const BATCH_ROWS = 512;

/** Of the implementation for Node; the types of the package are those that browsers have too. */
const LevelRepair = Level as { repair(location: string): Promise<void> } & typeof Level;

type Raw = Level<Uint8Array, Uint8Array>;
const rawOf = (directory: string): Raw =>
  new Level<Uint8Array, Uint8Array>(directory, { keyEncoding: "view", valueEncoding: "view" });

const workOf = (directory: string): string => `${directory}.rescue`;

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(directory)) bytes += (await stat(join(directory, name))).size;
  return bytes;
}

/** The first name that is free; its number counts the rescues of this device. */
async function nextAside(directory: string): Promise<{ readonly path: string; readonly ordinal: number }> {
  for (let ordinal = 1; ; ordinal++) {
    const path = `${directory}.corrupt-${ordinal}`;
    if (!(await exists(path))) return { path, ordinal };
  }
}

/** The copy and what is made of it need room beside the damaged files, which stay. @throws CodedError `storage_full`. */
async function demandRoom(directory: string): Promise<void> {
  const needed = 2 * (await sizeOf(directory)) + DISK_LIMITS.freeBytes;
  const free = await freeBytes(directory);
  if (free >= needed) return;
  throw new CodedError("storage_full", "There is no room to save the damaged database.", {
    status: 503,
    details: { freeBytes: free, neededBytes: needed },
  });
}

/** The name of the sublevel in a stored key `!<name>!<key>`. */
function subOf(key: Uint8Array): string {
  const text = new TextDecoder().decode(key);
  const end = text.indexOf("!", 1);
  return text.startsWith("!") && end > 0 ? text.slice(1, end) : "";
}

interface Copied {
  readonly rows: Record<string, number>;
  readonly isWhole: boolean;
}

/** Copies rows from one end until the end or until they cannot be read; null for `into` only counts them. */
async function readFrom(
  from: Raw,
  into: Raw | null,
  reverse: boolean,
  rows: Record<string, number>,
): Promise<boolean> {
  let batch: { type: "put"; key: Uint8Array; value: Uint8Array }[] = [];
  const write = async (): Promise<void> => {
    if (into !== null && batch.length > 0) await into.batch(batch);
    batch = [];
  };
  try {
    for await (const [key, value] of from.iterator({ reverse })) {
      const sub = subOf(key);
      rows[sub] = (rows[sub] ?? 0) + 1;
      batch.push({ type: "put", key, value });
      if (batch.length >= BATCH_ROWS) await write();
    }
    return true;
  } catch {
    return false; // What lies behind is lost: that is what is reported.
  } finally {
    await write();
  }
}

async function countRows(directory: string): Promise<Copied | null> {
  const database = rawOf(directory);
  try {
    await database.open();
  } catch {
    return null; // It cannot be repaired: nothing of it is readable.
  }
  try {
    const rows: Record<string, number> = {};
    return { rows, isWhole: await readFrom(database, null, false, rows) };
  } finally {
    await database.close();
  }
}

/** Where a row cannot be read, those before and those behind it are copied into a database of their own. */
async function copyReadable(directory: string): Promise<Record<string, number>> {
  const target = `${directory}.new`;
  await rm(target, { recursive: true, force: true });
  const from = rawOf(directory);
  const into = rawOf(target);
  await from.open();
  await into.open();
  try {
    await readFrom(from, into, false, {});
    await readFrom(from, into, true, {});
  } finally {
    await from.close();
    await into.close();
  }
  await rm(directory, { recursive: true });
  await rename(target, directory);
  return (await countRows(directory))?.rows ?? {};
}

async function salvage(work: string): Promise<Record<string, number>> {
  try {
    await LevelRepair.repair(work);
  } catch {
    // Nothing that LevelDB could make a database of: an empty one takes its place.
  }
  const counted = await countRows(work);
  if (counted?.isWhole) return counted.rows;
  if (counted !== null) return copyReadable(work);
  await rm(work, { recursive: true, force: true });
  const empty = rawOf(work);
  await empty.open();
  await empty.close();
  return {};
}

/**
 * Repairs a copy, moves the damaged folder aside to `<directory>.corrupt-<n>` and puts the copy in its place.
 * Interrupted anywhere it is either not begun or finished by `finishRescue`.
 * @throws CodedError `storage_full` (503) where there is no room for a copy; system errors.
 */
export async function rescueDatabase(directory: string): Promise<RescuedDatabase> {
  await demandRoom(directory);
  const work = workOf(directory);
  await rm(work, { recursive: true, force: true });
  await cp(directory, work, { recursive: true });
  const rows = await salvage(work);
  const { path, ordinal } = await nextAside(directory);
  const report: RescuedDatabase = { setAside: basename(path), ordinal, rows };
  await writeFile(join(work, DONE), JSON.stringify(report), { flush: true });
  await syncFolder(work);
  await rename(directory, path);
  await rename(work, directory);
  await syncFolder(dirname(directory));
  return report;
}

/** Puts a rescued copy in its place if the power failed between the two renames. @returns true if it did. */
export async function finishRescue(directory: string): Promise<boolean> {
  const work = workOf(directory);
  if ((await exists(directory)) || !(await exists(join(work, DONE)))) return false;
  await rename(work, directory);
  await syncFolder(dirname(directory));
  return true;
}

/** The report of a rescue that no start has taken over yet; null if there is none. */
export async function pendingRescue(directory: string): Promise<RescuedDatabase | null> {
  const path = join(directory, DONE);
  if (!(await exists(path))) return null;
  const file = await open(path, "r");
  try {
    return JSON.parse(await file.readFile("utf8")) as RescuedDatabase;
  } finally {
    await file.close();
  }
}

/** Called when what was rescued has been recorded. */
export const forgetRescue = (directory: string): Promise<void> => rm(join(directory, DONE), { force: true });
