import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Store } from "../../firmware/ports/store.ts";
import type { Steps } from "../power/steps.ts";
import { copyOf } from "./copy.ts";
import type { BitRot, SlowSync } from "./disk-faults.ts";
import type { DiskWear } from "./disk-wear.ts";
import type { Permissions } from "./file-tree.ts";
import { FrozenStore } from "./frozen-store.ts";
import { Medium } from "./medium.ts";
import { SimFiles } from "./sim-files.ts";
import { SimStore } from "./sim-store.ts";
import { type LogLength, type PowerCutOptions, survivingBatches } from "./survivors.ts";

export interface SimDiskOptions {
  /** Stream `device:<id>:disk`: how much of a write a cut lets through, latencies, which bits rot. */
  readonly entropy: Entropy;
  /** True time in µs, for the bytes per day. */
  readonly nowUs: () => number;
  /** A card of 16 GB if not given. */
  readonly capacityBytes?: number;
  /** How many synced batches a lying disk can lose at most; what they replaced stays in memory. */
  readonly lyingBatches?: number;
  /** Of the process, for new folders. */
  readonly umask?: number;
}

/** What a loss of power took from the log. */
export interface PowerCutResult {
  /** Batches written before the cut, the one whose fsync was not back included. */
  readonly written: number;
  readonly synced: number;
  readonly survived: number;
}

export type ImagePart =
  | { readonly kind: "row"; readonly sub: string; readonly key: string; readonly bytes: Uint8Array }
  | { readonly kind: "file"; readonly path: string; readonly bytes: Uint8Array };

const CAPACITY_BYTES = 16_000_000_000;
const LYING_BATCHES = 64;
const UMASK = 0o022;

/**
 * A device's disk (simulator.md 8): one store and a tree of files, which outlive the boots of the device. Each boot
 * opens its own views; after `powerCut` and `kill` the views of the boot before are dead.
 */
export class SimDisk {
  readonly #medium: Medium;

  constructor(options: SimDiskOptions) {
    this.#medium = new Medium({
      entropy: options.entropy,
      nowUs: options.nowUs,
      capacityBytes: options.capacityBytes ?? CAPACITY_BYTES,
      keptSynced: options.lyingBatches ?? LYING_BATCHES,
      umask: options.umask ?? UMASK,
    });
  }

  /**
   * The store for this boot, with its layout row written and synced.
   * @throws CodedError `store_busy` (503), `store_corrupt`, `store_layout_unknown` (500), `store_unavailable` (503).
   */
  openStore(steps: Steps, clock: Pick<Clock, "sleep">): Promise<SimStore> {
    return SimStore.open(this.#medium, steps, clock);
  }

  openFiles(steps: Steps, clock: Pick<Clock, "sleep">): SimFiles {
    return new SimFiles(this.#medium, steps, clock);
  }

  /**
   * Power is lost: of what was not synced, what the draw leaves.
   * @param entropy the disk's stream: one number for the log, one for the journal of the files, two for each file
   *   whose contents were not synced.
   * @throws CodedError `scenario_invalid` (422) if `lyingTail` is above `lyingBatches`.
   */
  powerCut(entropy: Entropy, options: PowerCutOptions = {}): PowerCutResult {
    const medium = this.#medium;
    if (medium.inFlight) medium.log.append(medium.inFlight);
    const { written, synced } = medium.log.length;
    const survived = survivingBatches({ written, synced }, entropy.float(), options);
    medium.log.rewind(survived);
    medium.tree.powerCut(entropy);
    medium.endBoot();
    return { written, synced, survived };
  }

  /** Only the process ends: everything it wrote is still there, and what was not synced can still be lost. */
  kill(): void {
    const medium = this.#medium;
    if (medium.inFlight) medium.log.append(medium.inFlight);
    medium.endBoot();
  }

  /** How many bytes may still be written; undefined gives the card its whole capacity back. */
  limitFreeBytes(bytes: number | undefined): void {
    const medium = this.#medium;
    medium.limitBytes = bytes === undefined ? null : medium.usedBytes + bytes;
  }

  /** Every write fails from now on, until this is undone; reads go on. */
  setReadOnly(readOnly: boolean): void {
    this.#medium.faults.readOnly = readOnly;
  }

  /** How long each fsync takes from now on; null for no time. */
  setSlowSync(slow: SlowSync | null): void {
    this.#medium.faults.slowSync = slow;
  }

  /** Damages a stored row until it is written anew. @throws CodedError `not_found` (404). */
  rotRow(sub: string, key: string, rot: BitRot): void {
    const stored = this.#medium.log.rows.get(sub, key);
    if (!stored) throw missing(`${sub}/${key}`);
    this.#medium.faults.rot(stored, rot);
  }

  /** Damages a file until it is written anew. @throws CodedError `not_found` (404). */
  rotFile(path: string, rot: BitRot): void {
    const node = this.#medium.tree.find(path, "open");
    if (node?.kind !== "file") throw missing(path);
    this.#medium.faults.rot(node.bytes, rot);
  }

  /** Puts a file there as an installer would, with its folders: durable, no step taken, no fault in its way. */
  install(path: string, bytes: Uint8Array, permissions: Permissions): void {
    const { tree } = this.#medium;
    tree.makeFolder(path.slice(0, Math.max(0, path.lastIndexOf("/"))), 0o755);
    tree.remove(path);
    const node = tree.create(path, permissions);
    tree.write(node, copyOf(bytes));
    tree.sync(node);
    tree.commit();
  }

  /** The rows that a reader sees now, or that would be left if every unsynced batch were lost. */
  peek(moment: "visible" | "durable" = "visible"): Store {
    const { log } = this.#medium;
    return new FrozenStore(moment === "visible" ? log.rows.clone() : log.durableRows());
  }

  /** A copy of a file's contents, null if there is none. No step, no fault. */
  peekFile(path: string): Uint8Array | null {
    const node = this.#medium.tree.find(path, "open");
    return node?.kind === "file" ? node.bytes.slice() : null;
  }

  /** A copy of everything that lies on the disk now, rows by sublevel and key, then files by path. */
  *image(): Generator<ImagePart> {
    for (const part of this.view()) yield { ...part, bytes: part.bytes.slice() };
  }

  /** The same without copying: for those who only look, and keep nothing. */
  *view(): Generator<ImagePart> {
    const rows = this.#medium.log.rows.clone();
    for (const sub of rows.sublevels) {
      for (const page of { [Symbol.iterator]: () => rows.range(sub, {}) })
        for (const [key, value] of page) yield { kind: "row", sub, key, bytes: value };
    }
    for (const { path, node } of this.#medium.tree.files()) yield { kind: "file", path, bytes: node.bytes };
  }

  /** Batches in the log, and of them up to and with the last synced one. */
  get batches(): LogLength {
    return this.#medium.log.length;
  }

  get durableBatches(): number {
    return this.#medium.log.length.synced;
  }

  /** Bytes and number of rows, in all or of one sublevel. */
  get rowBytes(): number {
    return this.#medium.log.rows.bytes;
  }

  rows(sub?: string): number {
    const { rows } = this.#medium.log;
    return sub === undefined ? rows.count : rows.countOf(sub);
  }

  get fileBytes(): number {
    return this.#medium.tree.bytes;
  }

  get freeBytes(): number {
    return this.#medium.freeBytes;
  }

  get wear(): DiskWear {
    return this.#medium.wear;
  }
}

const missing = (what: string): CodedError =>
  new CodedError("not_found", `There is nothing at ${what} that could rot.`, { status: 404 });
