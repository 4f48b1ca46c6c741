/** SQLite with a chain. Its shape is written down here: the package has no types of its own. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { textOf } from "../entries.ts";
import type { LogSource } from "./log.ts";

interface Statement {
  run(...values: readonly unknown[]): unknown;
  iterate(): IterableIterator<unknown>;
}

interface Database {
  pragma(text: string): unknown;
  exec(sql: string): unknown;
  prepare(sql: string): Statement;
  transaction(work: (count: number) => void): (count: number) => void;
  close(): void;
}

interface Row {
  readonly entry: string;
  readonly hash: Uint8Array;
}

async function openDatabase(path: string): Promise<Database> {
  const name: string = "better-sqlite3";
  const module: { readonly default: new (path: string) => Database } = await import(name);
  return new module.default(path);
}

const ZERO = "0".repeat(64);
const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

export const sqliteChain: LogSource = {
  id: "sqlite-chain",
  title: "SQLite (better-sqlite3) and a SHA-256 chain; WAL, synchronous FULL",
  open: async (dir) => {
    const database = await openDatabase(join(dir, "log.sqlite"));
    database.pragma("journal_mode = WAL");
    database.pragma("synchronous = FULL");
    database.exec("CREATE TABLE log (id INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash BLOB NOT NULL)");
    const insert = database.prepare("INSERT INTO log (id, entry, hash) VALUES (?, ?, ?)");
    const all = database.prepare("SELECT entry, hash FROM log ORDER BY id");
    let [size, last] = [0, ZERO];
    const group = database.transaction((count) => {
      for (let i = 0; i < count; i++) {
        const text = textOf(size, last);
        const hash = digest(text);
        insert.run(size++, text, hash);
        last = hash.toString("hex");
      }
    });
    return {
      append: async (count) => group(count),
      verify: async () => {
        let [count, before] = [0, ZERO];
        for (const row of all.iterate() as IterableIterator<Row>) {
          const entry = JSON.parse(row.entry) as { readonly prev_hash: string };
          const hash = digest(row.entry);
          if (entry.prev_hash !== before || !hash.equals(row.hash)) throw new Error(`entry ${count}`);
          before = hash.toString("hex");
          count++;
        }
        return count;
      },
      [Symbol.asyncDispose]: async () => database.close(),
    };
  },
};
