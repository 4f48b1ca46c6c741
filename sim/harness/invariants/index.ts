import type { Invariant } from "./invariant.ts";

/** All rules, in the order of their numbers. */
export const ALL_INVARIANTS: readonly Invariant[] = [];
