/** Hypercore: a signed Merkle log over RocksDB. It signs its tree at each append and leaves syncing to the system. */
import { join } from "node:path";
import { textOf } from "../entries.ts";
import type { LogSource } from "./log.ts";

interface Audit {
  readonly blocks: number;
  readonly treeNodes: number;
  readonly droppedBlocks: number;
  readonly droppedTreeNodes: number;
  readonly corrupt: boolean;
}

/** What the suite uses of it; the package has no types of its own. */
interface Hypercore {
  ready(): Promise<void>;
  append(blocks: readonly Uint8Array[]): Promise<unknown>;
  readonly core: { audit(options: object): Promise<Audit> };
  readonly length: number;
  close(): Promise<void>;
}

async function openCore(dir: string): Promise<Hypercore> {
  const name: string = "hypercore";
  const module: { readonly default: new (dir: string) => Hypercore } = await import(name);
  return new module.default(dir);
}

const ZERO = "0".repeat(64);

export const hypercore: LogSource = {
  id: "hypercore",
  title: "Hypercore: Merkle tree, a signature per append; not synced",
  open: async (dir) => {
    const core = await openCore(join(dir, "core"));
    await core.ready();
    let size = 0;
    return {
      append: async (count) => {
        const blocks = Array.from({ length: count }, () => Buffer.from(textOf(size++, ZERO)));
        await core.append(blocks);
      },
      // Its own check of every block against the tree, and of the tree; nothing is repaired.
      verify: async () => {
        const audit = await core.core.audit({ tree: true, blocks: true, bitfield: false, dryRun: true });
        const bad = audit.corrupt || audit.droppedBlocks > 0 || audit.droppedTreeNodes > 0;
        if (bad || audit.blocks !== core.length) throw new Error("Hypercore's audit failed.");
        return audit.blocks;
      },
      [Symbol.asyncDispose]: () => core.close(),
    };
  },
};
