import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { StoreOp } from "../../firmware/ports/store.ts";
import { BatchLog } from "./batch-log.ts";
import { DiskFaults } from "./disk-faults.ts";
import { DiskWear } from "./disk-wear.ts";
import { FileTree } from "./file-tree.ts";

/** One life of the process that uses a disk. */
export interface Boot {
  ended: boolean;
}

export interface MediumOptions {
  readonly entropy: Entropy;
  readonly nowUs: () => number;
  readonly capacityBytes: number;
  readonly keptSynced: number;
  readonly umask: number;
}

/** What the views of all boots share: the bytes, what is wrong with them, and who uses them now. */
export class Medium {
  readonly entropy: Entropy;
  readonly log: BatchLog;
  readonly tree: FileTree;
  readonly faults: DiskFaults;
  readonly wear: DiskWear;
  boot: Boot = { ended: false };
  /** The open store of this boot; a database has one owner. */
  owner: object | null = null;
  /** A batch that was handed over and whose fsync has not come back. */
  inFlight: readonly StoreOp[] | null = null;
  readonly #capacityBytes: number;
  /** Above which nothing more fits although the card is larger; null if there is no such limit. */
  limitBytes: number | null = null;

  constructor(options: MediumOptions) {
    this.entropy = options.entropy;
    this.log = new BatchLog(options.keptSynced);
    this.tree = new FileTree(options.umask);
    this.faults = new DiskFaults(options.entropy);
    this.wear = new DiskWear(options.nowUs);
    this.#capacityBytes = options.capacityBytes;
  }

  get usedBytes(): number {
    return this.log.rows.bytes + this.tree.bytes;
  }

  get freeBytes(): number {
    return Math.max(0, (this.limitBytes ?? this.#capacityBytes) - this.usedBytes);
  }

  /** Ends the life of whatever uses the disk; its work may not change anything any more. */
  endBoot(): void {
    this.boot.ended = true;
    this.boot = { ended: false };
    this.owner = null;
    this.inFlight = null;
  }
}
