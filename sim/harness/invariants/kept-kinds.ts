/** The kinds of entries that stay for ever with their proofs, as ledger.md 11 lists them and not as the daemon does. */
const NAMES = new Set(
  "policy_active policy_committed policy_rejected policy_rolled_back decision grace_used roster_changed compensation".split(
    " ",
  ),
);

export const isKeptKind = (kind: string): boolean =>
  NAMES.has(kind) || ["ledger_", "key_", "safe_mode_"].some((prefix) => kind.startsWith(prefix));
