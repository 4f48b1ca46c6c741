import { lstat, mkdir, open, readdir, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { CodedError } from "../core/errors.ts";
import type { FileInfo, Files } from "../ports/files.ts";

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === "ENOENT";

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Files of the host. */
export class NodeFiles implements Files {
  async info(path: string): Promise<FileInfo | null> {
    try {
      const stat = await lstat(path);
      const kind = stat.isFile()
        ? "file"
        : stat.isDirectory()
          ? "directory"
          : stat.isSymbolicLink()
            ? "link"
            : "other";
      return { kind, size: stat.size, mode: stat.mode & 0o7777, ownedByMe: stat.uid === process.getuid?.() };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  async read(path: string, maxBytes: number): Promise<Uint8Array> {
    let file: Awaited<ReturnType<typeof open>>;
    try {
      file = await open(path, "r");
    } catch (cause) {
      if (!isMissing(cause)) throw cause;
      throw new CodedError("not_found", `There is no file ${path}.`, { status: 404, cause });
    }
    try {
      const { size } = await file.stat();
      if (size > maxBytes) {
        throw new CodedError("too_large", `${path} has ${size} bytes, the limit is ${maxBytes}.`, {
          status: 422,
        });
      }
      return new Uint8Array(await file.readFile());
    } finally {
      await file.close();
    }
  }

  async writeAtomic(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    const beside = `${path}.new`;
    await rm(beside, { force: true });
    const file = await open(beside, "wx", mode);
    try {
      await file.writeFile(bytes);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncDirectory(dirname(path));
  }

  async list(path: string): Promise<readonly string[]> {
    try {
      return (await readdir(path)).sort();
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async makeDirectory(path: string, mode: number): Promise<void> {
    await mkdir(path, { recursive: true, mode });
  }

  async remove(path: string): Promise<void> {
    await rm(path, { force: true, recursive: true });
  }
}
