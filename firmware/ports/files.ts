/** Files of the daemon: configuration and key material. Everything else lives in the store. */
export interface FileInfo {
  readonly kind: "file" | "directory" | "link" | "other";
  readonly size: number;
  /** Permission bits, for example 0o600. */
  readonly mode: number;
  readonly ownedByMe: boolean;
}

export interface Files {
  /** Null if nothing is there; links are not followed. */
  info(path: string): Promise<FileInfo | null>;
  /** @throws CodedError `not_found` (404), `too_large` (422). */
  read(path: string, maxBytes: number): Promise<Uint8Array>;
  /** Old or new, never half: written beside, synced, renamed, directory synced. */
  writeAtomic(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** Names of the entries of a directory in byte order; empty if it does not exist. */
  list(path: string): Promise<readonly string[]>;
  makeDirectory(path: string, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
}
