/** Where a rollback goes (rollout.md 17). */

export const FACTORY = "factory";

export interface HistoryEntry {
  readonly policy: string;
  readonly state: string;
  /** Its bytes are still on the device. */
  readonly stored: boolean;
}

export type RollbackTarget =
  | { readonly target: string; readonly kind: "last_known_good" | "factory" }
  | { readonly target: null; readonly kind: "safe_mode" };

/**
 * The newest committed release that is stored, not in force and not marked bad; else factory; else safe mode.
 * @param history oldest first. @param current hash in force, `factory` for the factory release.
 */
export function rollbackTarget(given: {
  readonly history: readonly HistoryEntry[];
  readonly current: string;
  readonly factoryValid: boolean;
  readonly bad?: readonly string[];
}): RollbackTarget {
  const bad = new Set(given.bad ?? []);
  const found = given.history.findLast(
    ({ policy, state, stored }) =>
      state === "committed" && stored && policy !== given.current && !bad.has(policy),
  );
  if (found) return { target: found.policy, kind: "last_known_good" };
  const isFactoryFit = given.factoryValid && given.current !== FACTORY && !bad.has(FACTORY);
  return isFactoryFit ? { target: FACTORY, kind: "factory" } : { target: null, kind: "safe_mode" };
}
