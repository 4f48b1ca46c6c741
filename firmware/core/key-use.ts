/** Whether a key may be used at a time (trust.md 2): for something new, or for what was signed long ago. */
import type { KeyRecord } from "./key-record.ts";

export type KeyProblem = "key_not_yet_valid" | "key_expired" | "key_retired" | "key_revoked";

export type KeyState = Pick<KeyRecord, "notBefore" | "expiresAt" | "status"> & {
  readonly retiredAt?: number | null;
  readonly revokedAt?: number | null;
};

export type KeyPurpose =
  /** A new statement, judged now. */
  | { readonly purpose: "now"; readonly now: number }
  /** An old one. `ledgerTime`: when a ledger recorded it; a revoked key's own claim about the time counts nothing. */
  | { readonly purpose: "history"; readonly signedAt: number; readonly ledgerTime?: number | null };

/** Null if the key may be used, else why not. Validity is inclusive at both ends. */
export function keyProblem(key: KeyState, use: KeyPurpose): KeyProblem | null {
  if (key.status === "revoked") {
    const revokedAt = key.revokedAt ?? Number.NEGATIVE_INFINITY;
    const recorded = use.purpose === "history" ? (use.ledgerTime ?? null) : null;
    return recorded !== null && recorded < revokedAt ? null : "key_revoked";
  }
  if (key.status === "retired") {
    const retiredAt = key.retiredAt ?? Number.NEGATIVE_INFINITY;
    return use.purpose === "history" && use.signedAt <= retiredAt ? null : "key_retired";
  }
  const at = use.purpose === "now" ? use.now : use.signedAt;
  if (at < key.notBefore) return "key_not_yet_valid";
  return at > key.expiresAt ? "key_expired" : null;
}
