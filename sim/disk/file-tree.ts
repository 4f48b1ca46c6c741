import type { Entropy } from "../../firmware/ports/entropy.ts";
import { compareKeys } from "./key-order.ts";
import { SystemError } from "./system-error.ts";

export interface FileNode {
  readonly kind: "file";
  readonly mode: number;
  readonly ownedByMe: boolean;
  bytes: Uint8Array;
  /** True once its contents would survive a loss of power. */
  synced: boolean;
}

export interface FolderNode {
  readonly kind: "directory";
  readonly mode: number;
  readonly ownedByMe: boolean;
  readonly entries: Map<string, TreeNode>;
}

export type TreeNode = FileNode | FolderNode;

export interface Permissions {
  readonly mode: number;
  readonly ownedByMe: boolean;
}

/** An entry of a folder and what was there before. */
interface Change {
  readonly folder: FolderNode;
  readonly name: string;
  readonly before: TreeNode | undefined;
}

const FOLDER_PERMISSIONS: Permissions = { mode: 0o755, ownedByMe: true };

/** Names of a path from the root; `.` and `..` resolved. */
function namesOf(path: string): string[] {
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

/**
 * Files and folders of a journalling file system. Changes of folders lie in one journal, each atomic, and a loss of
 * power leaves a prefix of those since the last fsync of a folder (as ext4 with `data=writeback`, the least that
 * ext4 promises). Contents are not ordered with the journal; they last once the file itself was synced.
 */
export class FileTree {
  readonly #umask: number;
  readonly #root: FolderNode = { kind: "directory", ...FOLDER_PERMISSIONS, entries: new Map() };
  readonly #journal: (readonly Change[])[] = [];
  readonly #unsynced = new Set<FileNode>();
  #bytes: number | null = 0;

  constructor(umask: number) {
    this.#umask = umask;
  }

  /** Bytes of all files' contents. */
  get bytes(): number {
    if (this.#bytes === null) {
      this.#bytes = 0;
      for (const { node } of this.files()) this.#bytes += node.bytes.length;
    }
    return this.#bytes;
  }

  /** All files by path, each folder's entries in byte order. */
  *files(): Generator<{ readonly path: string; readonly node: FileNode }> {
    yield* filesIn(this.#root, "");
  }

  /** Null if nothing is there. @throws SystemError `ENOTDIR`. */
  find(path: string, syscall: string): TreeNode | null {
    let node: TreeNode | undefined = this.#root;
    for (const name of namesOf(path)) {
      if (node.kind !== "directory") throw new SystemError("ENOTDIR", syscall, path);
      node = node.entries.get(name);
      if (!node) return null;
    }
    return node;
  }

  /** An empty file that was not there. @throws SystemError `ENOENT`, `ENOTDIR`, `EEXIST`. */
  create(path: string, permissions: Permissions): FileNode {
    const { folder, name } = this.#parent(path, "open");
    if (folder.entries.has(name)) throw new SystemError("EEXIST", "open", path);
    const node: FileNode = { kind: "file", ...permissions, bytes: new Uint8Array(), synced: false };
    this.#unsynced.add(node);
    this.#change([{ folder, name, to: node }]);
    return node;
  }

  /** Fills a file; the bytes are the tree's own from here on. */
  write(node: FileNode, bytes: Uint8Array): void {
    node.bytes = bytes;
    node.synced = false;
    this.#unsynced.add(node);
    this.#bytes = null;
  }

  sync(node: FileNode): void {
    node.synced = true;
    this.#unsynced.delete(node);
  }

  /** With all parents that are missing. @throws SystemError `EEXIST` if a file is there, `ENOTDIR`. */
  makeFolder(path: string, mode: number): void {
    const names = namesOf(path);
    let folder = this.#root;
    for (const [index, name] of names.entries()) {
      const known = folder.entries.get(name);
      if (known?.kind === "file") {
        throw new SystemError(index === names.length - 1 ? "EEXIST" : "ENOTDIR", "mkdir", path);
      }
      const permissions = { mode: mode & ~this.#umask, ownedByMe: true };
      const next: FolderNode = known ?? { kind: "directory", ...permissions, entries: new Map() };
      if (!known) this.#change([{ folder, name, to: next }]);
      folder = next;
    }
  }

  /** Takes the place of what is there, at once. @throws SystemError `ENOENT`, `ENOTDIR`, `EISDIR`. */
  rename(from: string, to: string): void {
    const source = this.#parent(from, "rename");
    const target = this.#parent(to, "rename");
    const node = source.folder.entries.get(source.name);
    if (!node) throw new SystemError("ENOENT", "rename", from);
    const replaced = target.folder.entries.get(target.name);
    if (replaced?.kind === "directory") throw new SystemError("EISDIR", "rename", from);
    this.#change([
      { ...source, to: undefined },
      { ...target, to: node },
    ]);
  }

  /**
   * Removes what is there, entry by entry from the leaves.
   * @param most after how many entries to stop.
   * @returns how many were removed. @throws SystemError `ENOTDIR`.
   */
  remove(path: string, most = Number.POSITIVE_INFINITY): number {
    const node = this.find(path, "rm");
    if (!node || node === this.#root) return 0;
    let removed = 0;
    if (node.kind === "directory") {
      for (const name of sortedNames(node)) removed += this.remove(`${path}/${name}`, most - removed);
    }
    if (removed >= most) return removed;
    const { folder, name } = this.#parent(path, "rm");
    this.#change([{ folder, name, to: undefined }]);
    return removed + 1;
  }

  /** Entries that removing `path` would remove. @throws SystemError `ENOTDIR`. */
  count(path: string): number {
    const node = this.find(path, "rm");
    return node && node !== this.#root ? nodesIn(node) : 0;
  }

  /** Names in byte order. @throws SystemError `ENOTDIR`. */
  list(path: string): readonly string[] {
    const node = this.find(path, "scandir");
    if (!node) return [];
    if (node.kind !== "directory") throw new SystemError("ENOTDIR", "scandir", path);
    return sortedNames(node);
  }

  /** The fsync of a folder: the journal so far is on the disk. */
  commit(): void {
    this.#journal.length = 0;
  }

  /** Leaves a prefix of the journal, and of unsynced contents a beginning, zeros behind it, or nothing. */
  powerCut(entropy: Entropy): void {
    const kept = Math.floor(entropy.float() * (this.#journal.length + 1));
    for (const changes of this.#journal.splice(kept).reverse()) {
      for (const { folder, name, before } of [...changes].reverse()) set(folder, name, before);
    }
    this.commit();
    for (const node of this.#unsynced) {
      const length = entropy.below(node.bytes.length + 1);
      const whole = entropy.below(length + 1);
      const left = new Uint8Array(length);
      left.set(node.bytes.subarray(0, whole));
      node.bytes = left;
      node.synced = true;
    }
    this.#unsynced.clear();
    this.#bytes = null;
  }

  #parent(path: string, syscall: string): { readonly folder: FolderNode; readonly name: string } {
    const names = namesOf(path);
    const name = names.pop();
    if (name === undefined) throw new SystemError("EISDIR", syscall, path);
    const folder = this.find(names.join("/"), syscall);
    if (!folder) throw new SystemError("ENOENT", syscall, path);
    if (folder.kind !== "directory") throw new SystemError("ENOTDIR", syscall, path);
    return { folder, name };
  }

  /** One entry of the journal: all of it or nothing. */
  #change(
    entries: readonly {
      readonly folder: FolderNode;
      readonly name: string;
      readonly to: TreeNode | undefined;
    }[],
  ): void {
    this.#journal.push(
      entries.map(({ folder, name, to }) => {
        const before = folder.entries.get(name);
        set(folder, name, to);
        return { folder, name, before };
      }),
    );
    this.#bytes = null;
  }
}

function set(folder: FolderNode, name: string, node: TreeNode | undefined): void {
  if (node) folder.entries.set(name, node);
  else folder.entries.delete(name);
}

function nodesIn(node: TreeNode): number {
  let nodes = 1;
  if (node.kind === "directory") for (const entry of node.entries.values()) nodes += nodesIn(entry);
  return nodes;
}

const sortedNames = (folder: FolderNode): string[] => [...folder.entries.keys()].sort(compareKeys);

function* filesIn(
  folder: FolderNode,
  path: string,
): Generator<{ readonly path: string; readonly node: FileNode }> {
  for (const name of sortedNames(folder)) {
    const node = folder.entries.get(name) as TreeNode;
    if (node.kind === "file") yield { path: `${path}/${name}`, node };
    else yield* filesIn(node, `${path}/${name}`);
  }
}
