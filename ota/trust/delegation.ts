/** Delegation (trust.md 6): a key empowers another one for less, for a shorter time, for fewer devices. */
import { type Refusal, refusal } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type KeyRecord, SCOPES, type Scope } from "../../firmware/core/key-record.ts";
import { type KeyState, keyProblem } from "../../firmware/core/key-use.ts";
import { RELEASE_LIMITS } from "../../firmware/core/limits.ts";

export type DelegatingKey = KeyState & Pick<KeyRecord, "scopes" | "audience">;

/** One link after the cryptographic check of its signature. */
export interface DelegationLink {
  readonly parent: string;
  readonly child: string;
  readonly scopes: readonly Scope[];
  readonly audience: "*" | readonly string[];
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly signatureValid: boolean;
}

function isLink(link: Partial<DelegationLink>): link is DelegationLink {
  const { parent, child, scopes, audience, notBefore, expiresAt } = link;
  return (
    typeof parent === "string" &&
    typeof child === "string" &&
    Array.isArray(scopes) &&
    scopes.every((scope) => SCOPES.includes(scope)) &&
    (audience === "*" || (Array.isArray(audience) && audience.every((name) => typeof name === "string"))) &&
    Number.isSafeInteger(notBefore) &&
    Number.isSafeInteger(expiresAt)
  );
}

const isNarrower = (child: "*" | readonly string[], parent: "*" | readonly string[]): boolean =>
  parent === "*" || (child !== "*" && child.every((name) => parent.includes(name)));

/** Checks one link against what its parent may do; the order of the checks is fixed. */
function linkProblem(
  link: Partial<DelegationLink>,
  index: number,
  known: ReadonlyMap<string, DelegatingKey>,
  now: number,
): Refusal | null {
  const fail = (code: string, details: JsonObject): Refusal => refusal(code, 403, details);
  if (!isLink(link)) return fail("delegation_invalid", { link: index });
  const { parent: parentId, child } = link;
  const parent = known.get(parentId);
  if (!parent) return fail("delegation_unknown_parent", { parent: parentId });
  if (!link.signatureValid) return fail("delegation_bad_signature", { child });
  const parentProblem = keyProblem(parent, { purpose: "now", now });
  if (parentProblem === "key_revoked" || parentProblem === "key_retired") {
    return fail(parentProblem, { keyId: parentId });
  }
  if (now < link.notBefore) return fail("delegation_not_yet_valid", { child });
  if (now > link.expiresAt) return fail("delegation_expired", { child });
  if (parentProblem) return fail(parentProblem, { keyId: parentId });
  // Without the scope `delegate` a parent has nothing to give.
  const grantable = parent.scopes.includes("delegate") ? parent.scopes : [];
  const widened = link.scopes.filter((scope) => !grantable.includes(scope));
  if (widened.length > 0) return fail("delegation_scope_widened", { child, widened });
  if (link.expiresAt > parent.expiresAt) return fail("delegation_outlives_parent", { child });
  if (!isNarrower(link.audience, parent.audience)) return fail("delegation_audience_widened", { child });
  if (index >= RELEASE_LIMITS.delegations)
    return fail("delegation_too_deep", { child, max: RELEASE_LIMITS.delegations });
  return known.has(child) ? fail("delegation_duplicate_key", { child }) : null;
}

/** Walks a chain in order and then checks the use of a key. Revoking a key ends everything below it. */
export function judgeDelegation(input: {
  readonly authority: ReadonlyMap<string, DelegatingKey>;
  readonly chain: readonly Partial<DelegationLink>[];
  /** Wall ms. */
  readonly now: number;
  readonly use?: { readonly keyId: string; readonly scope: Scope };
}): { readonly ok: true } | Refusal {
  const known = new Map(input.authority);
  for (const [index, link] of input.chain.entries()) {
    const problem = linkProblem(link, index, known, input.now);
    if (problem) return problem;
    if (!isLink(link)) continue;
    const { child, scopes, audience, notBefore, expiresAt } = link;
    known.set(child, { scopes, audience, notBefore, expiresAt, status: "active" });
  }
  if (!input.use) return { ok: true };
  const { keyId, scope } = input.use;
  const key = known.get(keyId);
  if (!key) return refusal("unknown_key", 403, { keyId });
  return key.scopes.includes(scope)
    ? { ok: true }
    : refusal("scope_missing", 403, { required: scope, has: [...key.scopes] });
}
