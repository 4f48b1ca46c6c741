/** What one writes first: JSON rows in LevelDB, each with the hash of the one before. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { Level } from "level";
import { textOf } from "../entries.ts";
import type { LogSource } from "./log.ts";

const ZERO = "0".repeat(64);
const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");
const keyOf = (index: number): string => String(index).padStart(12, "0");

export const levelChain: LogSource = {
  id: "level-chain",
  title: "LevelDB and a SHA-256 chain; synced",
  open: async (dir) => {
    const database = new Level<string, string>(join(dir, "db"));
    await database.open();
    let [size, last] = [0, ZERO];
    return {
      append: async (count) => {
        const rows: { type: "put"; key: string; value: string }[] = [];
        for (let i = 0; i < count; i++) {
          const text = textOf(size, last);
          last = hashOf(text);
          rows.push({ type: "put", key: keyOf(size++), value: `${last}${text}` });
        }
        await database.batch(rows, { sync: true });
      },
      verify: async () => {
        let [count, before] = [0, ZERO];
        for await (const value of database.values()) {
          const text = value.slice(64);
          const entry = JSON.parse(text) as { readonly prev_hash: string };
          const hash = hashOf(text);
          if (entry.prev_hash !== before || hash !== value.slice(0, 64)) throw new Error(`entry ${count}`);
          before = hash;
          count++;
        }
        return count;
      },
      [Symbol.asyncDispose]: () => database.close(),
    };
  },
};
