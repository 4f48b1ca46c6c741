/** Permissions of operators and the life of a consent (policy.md 5.1, 5.2). */
import { type Refusal, refusal } from "../core/errors.ts";
import { POLICY_LIMITS } from "../core/limits.ts";
import { matchesGlob } from "./glob.ts";

/** Allowed iff a role of the subject grants a matching permission; a role nobody defined grants nothing. */
export function permit(
  table: Readonly<Record<string, readonly string[]>>,
  roles: readonly string[],
  permission: string,
): { readonly ok: true } | Refusal {
  const granted = roles.flatMap((role) => (Object.hasOwn(table, role) ? (table[role] ?? []) : []));
  return granted.some((glob) => matchesGlob(glob, permission))
    ? { ok: true }
    : refusal("permission_denied", 403, { permission });
}

/** Life of a grant in ms: the least of what was asked, the rule's limit (default one hour) and the tier's. */
export const grantLifeMs = (ask: {
  readonly askedMs?: number;
  readonly ruleMs?: number;
  readonly tierMaxMs: number;
}): number =>
  Math.min(ask.askedMs ?? Number.POSITIVE_INFINITY, ask.ruleMs ?? POLICY_LIMITS.grantMs, ask.tierMaxMs);
