import { access, constants, readdir, readFile } from "node:fs/promises";

/** What the daemon found when it looked at a device node. */
export type NodeState = "ok" | "missing" | "EACCES" | "EBUSY";

/** The part of the file system the providers look at; tests hand in a tree of their own. */
export interface SystemAccess {
  /** Names in a directory, sorted; empty when it does not exist. */
  list(path: string): Promise<readonly string[]>;
  /** Text without the line end, null when the file does not exist. Only for attribute files of a few bytes. */
  readText(path: string): Promise<string | null>;
  /** Whether the node is there and this user may read and write it. Does not open it. */
  nodeState(path: string): Promise<NodeState>;
}

const errnoOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

/** The real file system below `root`, which is empty on a board and a directory in tests. */
export function systemAccess(root = ""): SystemAccess {
  return {
    async list(path) {
      try {
        return (await readdir(root + path)).sort();
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return [];
        throw error;
      }
    },
    async readText(path) {
      try {
        return (await readFile(root + path, "utf8")).trim();
      } catch (error) {
        if (errnoOf(error) === "ENOENT") return null;
        throw error;
      }
    },
    async nodeState(path) {
      try {
        await access(root + path, constants.R_OK | constants.W_OK);
        return "ok";
      } catch (error) {
        const code = errnoOf(error);
        if (code === "ENOENT" || code === "ENOTDIR") return "missing";
        if (code === "EACCES" || code === "EPERM") return "EACCES";
        throw error;
      }
    },
  };
}
