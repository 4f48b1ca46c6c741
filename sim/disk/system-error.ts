/** What the calls of the simulated file system can answer with, and the text the host's C library has for it. */
const TEXTS = {
  EEXIST: "file already exists",
  EIO: "i/o error",
  EISDIR: "illegal operation on a directory",
  ENOENT: "no such file or directory",
  ENOSPC: "no space left on device",
  ENOTDIR: "not a directory",
  EROFS: "read-only file system",
  /** Node.js's own, for the removal of a folder that was taken for a file. */
  ERR_FS_EISDIR: "path is a directory",
} as const;

export type SystemErrorCode = keyof typeof TEXTS;

/** An error of the system as Node.js reports it; not a CodedError, because the real adapter passes it on as it is. */
export class SystemError extends Error {
  readonly code: SystemErrorCode;
  readonly syscall: string;
  readonly path: string;

  constructor(code: SystemErrorCode, syscall: string, path: string) {
    super(`${code}: ${TEXTS[code]}, ${syscall} '${path}'`);
    this.name = new.target.name;
    this.code = code;
    this.syscall = syscall;
    this.path = path;
  }
}
