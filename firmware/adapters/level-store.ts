/**
 * The store over LevelDB. A database counts as initialised only after its first synced write has been verified,
 * because LevelDB does not sync its first manifest: a power cut before that leaves files that never open again.
 */
import { Level } from "level";
import { utf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import type { Store, StoreOp, StoreRange } from "../ports/store.ts";

const LAYOUT_VERSION = 1;
const META = "meta";
const LAYOUT_KEY = "layout";

type Database = Level<string, Uint8Array>;
type Sublevel = ReturnType<Database["sublevel"]>;

type Stored = Uint8Array | undefined;

/** LevelDB hands out Buffers; the rest of the daemon knows plain byte arrays only. */
const plain = (value: Stored): Stored =>
  value && new Uint8Array(value.buffer, value.byteOffset, value.byteLength);

export class LevelStore implements Store {
  readonly #database: Database;
  readonly #sublevels = new Map<string, Sublevel>();
  #bytesWritten = 0;

  private constructor(database: Database) {
    this.#database = database;
  }

  /**
   * @param directory the database directory; its parent must exist.
   * @throws CodedError `store_busy` (503) if another process holds it, `store_corrupt` (500), `store_missing` (404),
   *   `store_layout_unknown` (500) if a newer version wrote it.
   */
  static async open(directory: string, options: { readonly create: boolean }): Promise<LevelStore> {
    const database: Database = new Level(directory, {
      keyEncoding: "utf8",
      valueEncoding: "view",
      createIfMissing: options.create,
    });
    try {
      await database.open();
    } catch (cause) {
      throw openError(directory, cause, options.create);
    }
    const store = new LevelStore(database);
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

  get(sub: string, key: string): Promise<Uint8Array | undefined> {
    return this.#guarded(async () => plain(await (this.#sub(sub).get(key) as Promise<Stored>)));
  }

  getMany(sub: string, keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    return this.#guarded(async () =>
      (await (this.#sub(sub).getMany([...keys]) as Promise<Stored[]>)).map(plain),
    );
  }

  batch(ops: readonly StoreOp[], options: { readonly sync: boolean }): Promise<void> {
    const rows = ops.map((op) =>
      op.type === "put"
        ? { type: "put" as const, sublevel: this.#sub(op.sub), key: op.key, value: op.value }
        : { type: "del" as const, sublevel: this.#sub(op.sub), key: op.key },
    );
    for (const op of ops) this.#bytesWritten += op.key.length + (op.type === "put" ? op.value.length : 0);
    return this.#guarded(() => this.#database.batch(rows as never, { sync: options.sync } as never));
  }

  async *range(sub: string, range: StoreRange = {}): AsyncIterable<readonly [string, Uint8Array]> {
    try {
      const rows = this.#sub(sub).iterator({ ...range } as never) as AsyncIterable<[string, Uint8Array]>;
      for await (const [key, value] of rows) yield [key, plain(value) ?? value];
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

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#database.close();
  }
}

function chain(error: unknown): string {
  const parts: string[] = [];
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    parts.push(`${(at as { code?: string }).code ?? ""} ${at.message}`);
  }
  return parts.join(" | ");
}

function storeError(cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const text = chain(cause);
  if (/ENOSPC|No space left/i.test(text)) {
    return new CodedError("storage_full", "The disk is full.", { status: 503, cause });
  }
  // LevelDB reports a table file that ends before its mapped range as an invalid argument.
  if (/CORRUPT|\.(?:ldb|sst): Invalid argument/i.test(text)) {
    return new CodedError("store_corrupt", "The database files are damaged.", { cause });
  }
  return new CodedError("store_unavailable", "The database cannot be used.", { status: 503, cause });
}

function openError(directory: string, cause: unknown, create: boolean): CodedError {
  const text = chain(cause);
  // A lock file that cannot be opened, as on a read-only disk, is nobody else's lock.
  if (/LEVEL_LOCKED/.test(text)) {
    return new CodedError("store_busy", `Another process has ${directory} open.`, { status: 503, cause });
  }
  if (!create && /does not exist|NOT_FOUND/i.test(text)) {
    return new CodedError("store_missing", `There is no database in ${directory}.`, { status: 404, cause });
  }
  if (/CORRUPT|checksum|meta-nextfile|CURRENT|missing file|MANIFEST/i.test(text)) {
    return new CodedError("store_corrupt", `The database in ${directory} is damaged.`, { cause });
  }
  return storeError(cause);
}
