/**
 * The store over LevelDB. A database counts as initialised only after its first synced write has been verified,
 * because LevelDB does not sync its first manifest: a power cut before that leaves files that never open again.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { utf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { DISK_LIMITS } from "../core/limits.ts";
import type { Store, StoreOp, StoreRange, StoreRow } from "../ports/store.ts";
import { openError, storeError } from "./level-errors.ts";
import { freeBytes } from "./resources.ts";

const LAYOUT_VERSION = 2;
const META = "meta";
const LAYOUT_KEY = "layout";

type Database = Level<string, Uint8Array>;
type Sublevel = ReturnType<Database["sublevel"]>;

type Stored = Uint8Array | undefined;

const FIRST_PAGE = 16;
const LARGEST_PAGE = 1024;
const PAGE_BYTES = 256 * 1024;

/** A range of a sublevel as one of the whole database: every key of it begins with its prefix, `!name!`. */
function boundsOf(prefix: string, { gt, gte, lt, lte, ...rest }: StoreRange) {
  const lower = gte === undefined && gt !== undefined ? { gt: prefix + gt } : { gte: prefix + (gte ?? "") };
  const upper = lte !== undefined ? { lte: prefix + lte } : lt !== undefined ? { lt: prefix + lt } : null;
  // The byte after "!".
  return { ...rest, ...lower, ...(upper ?? { lt: `${prefix.slice(0, -1)}"` }) };
}

/** Pages that grow; the next one is read while this one is worked on. */
async function* pagesIn(
  database: Database,
  prefix: string,
  range: StoreRange,
): AsyncGenerator<readonly StoreRow[]> {
  const rows = database.iterator({ ...boundsOf(prefix, range), highWaterMarkBytes: PAGE_BYTES } as object);
  try {
    let pending: Promise<[string, Uint8Array][]> = rows.nextv(FIRST_PAGE);
    for (let size = FIRST_PAGE * 4; ; size = Math.min(LARGEST_PAGE, size * 4)) {
      const page = await pending;
      if (page.length === 0) return;
      pending = rows.nextv(size);
      // Whoever stops in the middle of a page never looks at the next one.
      pending.catch(() => undefined);
      for (const row of page) {
        row[0] = row[0].slice(prefix.length);
        row[1] = plain(row[1]) ?? row[1];
      }
      yield page;
    }
  } finally {
    await rows.close();
  }
}

/** LevelDB hands out Buffers; the rest of the daemon knows plain byte arrays only. */
const plain = (value: Stored): Stored =>
  value && new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

const levelOf = (directory: string, create: boolean): Database =>
  new Level(directory, { keyEncoding: "utf8", valueEncoding: "view", createIfMissing: create });

/** The least and the largest key of any sublevel, as LevelDB sees them. */
const FIRST_KEY = "!";
const LAST_KEY = '"';

/**
 * A write that has failed leaves half a record in LevelDB's log, and whatever is written behind it is confirmed and lost
 * at the next start. So after a failed write the database is opened anew, which begins a new log, before anything else
 * is written; until that can be done, nothing is.
 */
export class LevelStore implements Store {
  readonly #directory: string;
  readonly #sublevels = new Map<string, Sublevel>();
  #database: Database;
  #bytesWritten = 0;
  #isSuspect = false;
  #isClosed = false;
  #renewing: Promise<void> | null = null;

  private constructor(directory: string, database: Database) {
    this.#directory = directory;
    this.#database = database;
  }

  /**
   * @param directory the database directory; its parent must exist.
   * @throws CodedError `store_busy` (503) if another process holds it, `store_corrupt` (500), `store_missing` (404),
   *   `store_layout_unknown` (500) if a version with another layout wrote it.
   */
  static async open(directory: string, options: { readonly create: boolean }): Promise<LevelStore> {
    const database = levelOf(directory, options.create);
    try {
      await database.open();
    } catch (cause) {
      throw openError(directory, cause, options.create);
    }
    const store = new LevelStore(directory, database);
    try {
      await store.#checkLayout();
    } catch (error) {
      await database.close();
      throw error;
    }
    return store;
  }

  async #checkLayout(): Promise<void> {
    const stored = await this.get(META, LAYOUT_KEY);
    if (stored === undefined) {
      const value = utf8(String(LAYOUT_VERSION));
      await this.batch([{ type: "put", sub: META, key: LAYOUT_KEY, value }], { sync: true });
      return;
    }
    const text = new TextDecoder().decode(stored);
    if (!/^[1-9][0-9]{0,8}$/.test(text)) {
      throw new CodedError("store_corrupt", "The layout version of the state cannot be read.");
    }
    const version = Number(text);
    if (version !== LAYOUT_VERSION) {
      throw new CodedError(
        "store_layout_unknown",
        `The state was written with layout ${version}; this version reads ${LAYOUT_VERSION}.`,
        {
          details: { stored: version, supported: LAYOUT_VERSION },
        },
      );
    }
  }

  /** Bytes of keys and values handed to the database since it was opened. */
  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  #sub(name: string): Sublevel {
    let sublevel = this.#sublevels.get(name);
    if (!sublevel) {
      sublevel = this.#database.sublevel(name, { keyEncoding: "utf8", valueEncoding: "view" });
      this.#sublevels.set(name, sublevel);
    }
    return sublevel;
  }

  #renewed(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /**
   * Opens the database anew. First it is made sure that the disk takes writes again: a database that was closed for
   * nothing could not even be read.
   * @throws CodedError `storage_full`, `store_read_only`, `store_unavailable` (503), `store_corrupt`.
   */
  async #renew(): Promise<void> {
    await this.#guarded(() => this.#demandRoom());
    await this.#database.close();
    this.#sublevels.clear();
    const database = levelOf(this.#directory, false);
    try {
      await database.open();
    } catch (cause) {
      throw openError(this.#directory, cause, false);
    } finally {
      this.#database = database;
    }
    this.#isSuspect = false;
  }

  async #demandRoom(): Promise<void> {
    if ((await freeBytes(this.#directory)) < DISK_LIMITS.reopenBytes)
      throw new CodedError("storage_full", "The disk is full.", { status: 503 });
    const probe = join(this.#directory, "..", "write-probe");
    await writeFile(probe, "imud", { flush: true });
    await rm(probe);
  }

  /** Reads wait while the database is opened anew; one that could not be opened is tried again. */
  async #readable(): Promise<void> {
    if (this.#renewing !== null) await this.#renewing.catch(() => undefined);
    else if (this.#isSuspect && !this.#isClosed && this.#database.status !== "open") await this.#renewed();
  }

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    if (this.#isSuspect) return this.#readable().then(() => this.#get(sub, key));
    return this.#get(sub, key);
  }

  #get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#guarded(async () => plain(await (this.#sub(sub).get(key) as Promise<Stored>)));
  }

  async getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    if (this.#isSuspect) await this.#readable();
    return this.#guarded(async () =>
      (await (this.#sub(sub).getMany([...keys]) as Promise<Stored[]>)).map(plain),
    );
  }

  async batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    if (this.#isSuspect) await this.#renewed();
    try {
      await this.#write(ops, options);
    } catch (error) {
      // A closed store and a name that cannot be are the caller's mistakes: nothing was written.
      if (!this.#isClosed && this.#database.status === "open") this.#isSuspect = true;
      throw error;
    }
  }

  /** Row by row into a batch of the database's own: half the time that a list of rows takes. */
  #write(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    return this.#guarded(async () => {
      const batch = this.#database.batch();
      try {
        for (const op of ops) {
          const key = this.#sub(op.sub).prefix + op.key;
          if (op.type === "put") batch.put(key, op.value);
          else batch.del(key);
          this.#bytesWritten += op.key.length + (op.type === "put" ? op.value.length : 0);
        }
        await batch.write({ sync: options.sync } as never);
      } catch (error) {
        await batch.close();
        throw error;
      }
    });
  }

  async *range(sub: string, range: StoreRange = {}): AsyncIterable<readonly [string, Uint8Array]> {
    if (this.#isSuspect) await this.#readable();
    try {
      const database = this.#database;
      for await (const page of pagesIn(database, this.#sub(sub).prefix, range)) {
        for (const row of page) {
          if (database.status !== "open") throw new Error("The database is closed.");
          yield row;
        }
      }
    } catch (cause) {
      throw storeError(cause);
    }
  }

  async *pages(sub: string, range: StoreRange = {}): AsyncIterable<readonly StoreRow[]> {
    if (this.#isSuspect) await this.#readable();
    try {
      yield* pagesIn(this.#database, this.#sub(sub).prefix, range);
    } catch (cause) {
      throw storeError(cause);
    }
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw storeError(cause);
    }
  }

  /** Merges tables until nothing of what was deleted takes room; it needs some room itself. @throws CodedError. */
  compact(): Promise<void> {
    const database = this.#database as Database & {
      compactRange(start: string, end: string): Promise<void>;
    };
    return this.#guarded(() => database.compactRange(FIRST_KEY, LAST_KEY));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#renewing?.catch(() => undefined);
    await this.#database.close();
  }
}
