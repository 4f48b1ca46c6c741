import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { FileInfo, Files } from "../../firmware/ports/files.ts";
import type { Steps } from "../power/steps.ts";
import { copyOf } from "./copy.ts";
import type { FileNode, TreeNode } from "./file-tree.ts";
import type { Boot, Medium } from "./medium.ts";
import { never } from "./never.ts";
import { SystemError } from "./system-error.ts";

/** What a folder's own size is on ext4: one block. */
const FOLDER_BYTES = 4096;

/**
 * One boot's view of the files of a disk, with the answers of the host's file system. Each call is one step named
 * after it (`file.info`, `file.read`, `file.list`, `file.mkdir`, `file.remove`); an atomic write passes through
 * `file.write`, `file.fsync`, `file.rename` and `file.fsyncdir`.
 */
export class SimFiles implements Files {
  readonly #medium: Medium;
  readonly #steps: Steps;
  readonly #clock: Pick<Clock, "sleep">;
  readonly #boot: Boot;

  constructor(medium: Medium, steps: Steps, clock: Pick<Clock, "sleep">) {
    this.#medium = medium;
    this.#steps = steps;
    this.#clock = clock;
    this.#boot = medium.boot;
  }

  info(path: string): Promise<FileInfo | null> {
    return this.#take("file.info", () => {
      const node = this.#medium.tree.find(path, "lstat");
      if (!node) return null;
      return { kind: node.kind, size: sizeOf(node), mode: node.mode, ownedByMe: node.ownedByMe };
    });
  }

  read(path: string, maxBytes: number): Promise<Uint8Array> {
    return this.#take("file.read", () => {
      const { tree, faults } = this.#medium;
      const node = tree.find(path, "open");
      if (!node) throw new CodedError("not_found", `There is no file ${path}.`, { status: 404 });
      if (sizeOf(node) > maxBytes) {
        const message = `${path} has ${sizeOf(node)} bytes, the limit is ${maxBytes}.`;
        throw new CodedError("too_large", message, { status: 422 });
      }
      if (node.kind === "directory") throw new SystemError("EISDIR", "read", path);
      const bytes = faults.read(node.bytes);
      if (bytes === null) throw new SystemError("EIO", "read", path);
      return bytes;
    });
  }

  async writeAtomic(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    const { tree, wear } = this.#medium;
    const own = copyOf(bytes);
    const beside = `${path}.new`;
    const node = await this.#take(
      "file.write",
      () => this.#fill(beside, own, mode, own.length),
      () => this.#fill(beside, own, mode, this.#medium.entropy.below(own.length + 1)),
    );
    await this.#take("file.fsync", async () => {
      await this.#fsync();
      tree.sync(node);
      wear.synced();
    });
    await this.#change("file.rename", () => {
      this.#requireWritable("rename", beside);
      tree.rename(beside, path);
    });
    await this.#take("file.fsyncdir", async () => {
      await this.#fsync();
      tree.commit();
      wear.synced();
    });
  }

  list(path: string): Promise<readonly string[]> {
    return this.#take("file.list", () => this.#medium.tree.list(path));
  }

  makeDirectory(path: string, mode: number): Promise<void> {
    const { tree } = this.#medium;
    return this.#change("file.mkdir", () => {
      if (tree.find(path, "mkdir")?.kind !== "directory") this.#requireWritable("mkdir", path);
      tree.makeFolder(path, mode);
    });
  }

  remove(path: string): Promise<void> {
    const { tree, entropy } = this.#medium;
    const remove = (most: (entries: number) => number) => {
      const entries = tree.count(path);
      if (entries === 0) return;
      this.#requireWritable("rm", path);
      tree.remove(path, most(entries));
    };
    return this.#take(
      "file.remove",
      () => remove((entries) => entries),
      () => remove((entries) => entropy.below(entries + 1)),
    );
  }

  #take<T>(label: string, work: () => T | Promise<T>, partly?: () => unknown): Promise<T> {
    const ifOurs = () => (this.#boot.ended ? never() : work());
    return this.#steps.take(label, ifOurs, partly && (() => this.#attempt(partly)));
  }

  /** What happens of a call that nobody will hear from: if it fails, that much of it has happened. */
  #attempt(partly: () => unknown): void {
    if (this.#boot.ended) return;
    try {
      partly();
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
    }
  }

  /** An atomic change of a folder: a cut during the step leaves it done, though unsynced. */
  #change(label: string, change: () => void): Promise<void> {
    return this.#take(label, change, change);
  }

  #requireWritable(syscall: string, path: string): void {
    if (this.#medium.faults.readOnly) throw new SystemError("EROFS", syscall, path);
  }

  /** @throws SystemError `ENOSPC` once the disk is full; what fitted stays. */
  #fill(path: string, bytes: Uint8Array, mode: number, length: number): FileNode {
    const { tree, wear } = this.#medium;
    this.#requireWritable("open", path);
    if (tree.find(path, "rm")?.kind === "directory") throw new SystemError("ERR_FS_EISDIR", "rm", path);
    tree.remove(path);
    const node = tree.create(path, { mode, ownedByMe: true });
    const fitting = Math.min(length, this.#medium.freeBytes);
    tree.write(node, bytes.slice(0, fitting));
    wear.wrote(fitting, false);
    if (fitting < length) throw new SystemError("ENOSPC", "write", path);
    return node;
  }

  async #fsync(): Promise<void> {
    if (this.#medium.faults.slowSync) await this.#clock.sleep(this.#medium.faults.drawSyncMs());
    if (this.#boot.ended) await never();
  }
}

const sizeOf = (node: TreeNode): number => (node.kind === "file" ? node.bytes.length : FOLDER_BYTES);
