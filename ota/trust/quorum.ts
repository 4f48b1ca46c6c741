/** k-of-n over the metadata that lists a release (trust.md 3): distinct signers by public key. */
import { type CheckedSignature, countSigners } from "../../firmware/core/dsse-verify.ts";
import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import type { KeyRecord, Scope } from "../../firmware/core/key-record.ts";
import { type KeyState, keyProblem } from "../../firmware/core/key-use.ts";

export type QuorumKey = KeyState & Pick<KeyRecord, "publicKey" | "alg" | "scopes">;

/** @returns the number of distinct signers, or `quorum_misconfigured`, `quorum_not_met` {have, need, reasons}. */
export function judgeQuorum(input: {
  readonly signatures: readonly CheckedSignature[];
  readonly keys: ReadonlyMap<string, QuorumKey>;
  readonly k: number;
  /** Wall ms. */
  readonly now: number;
  readonly scope?: Scope;
}): { readonly ok: true; readonly distinct: number; readonly reasons: readonly string[] } | Refusal {
  const { signatures, keys, k, now, scope } = input;
  if (!Number.isInteger(k) || k < 1) return refusal("quorum_misconfigured", 500, { k });
  const count = countSigners(signatures, keys, (key) => {
    const problem = keyProblem(key, { purpose: "now", now });
    return problem ?? (scope !== undefined && !key.scopes.includes(scope) ? "scope_missing" : null);
  });
  const reasons = count.reasons.map(({ keyId, code }) => `${keyId}:${code}`);
  const have = count.signers.length;
  return have >= k
    ? { ok: true, distinct: have, reasons }
    : refusal("quorum_not_met", 403, { have, need: k, reasons });
}
