/** What an operator is told to do about a disk that cannot be written. */
import type { JsonObject } from "../../core/json.ts";
import { DISK_LIMITS } from "../../core/limits.ts";

const READ_ONLY =
  "The disk is mounted read-only, as the kernel does after an error: look at `dmesg`, replace the card if it shows " +
  "errors, else check the file system and mount it writable; the daemon goes on by itself.";

const HOW_TO: Readonly<Record<string, string>> = {
  storage_full:
    "Free space on the disk of the state directory, lower `ledger.maxBytes` in imud.yaml or /retention in the policy, or " +
    "use a larger card; the daemon goes on by itself.",
  store_read_only: READ_ONLY,
  store_corrupt: "Restart the daemon: it sets the damaged database aside and keeps what can be saved.",
};

const ANY = "Look at `dmesg` and at the permissions of the state directory; the daemon goes on by itself.";

/** @param freeBytes null if it could not be learnt. */
export const storageDetails = (code: string, freeBytes: number | null): JsonObject => ({
  freeBytes,
  neededBytes: DISK_LIMITS.freeBytes,
  howTo: HOW_TO[code] ?? ANY,
});
