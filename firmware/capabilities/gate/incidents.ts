/** Calls that the allow-list blocks at run time (capabilities.md 13). */
export type BlockedVerdict =
  | { readonly runContinues: true; readonly mode: "strict"; readonly incidents: number }
  | {
      readonly runContinues: false;
      readonly error: { readonly code: "quota_exceeded"; readonly reason: "blocked_calls_exceeded" };
      readonly incidents: number;
    };

/** Every blocked call tightens its run; the one that reaches the limit ends it. */
export function blockedCallVerdict(blocked: number, limit: number): BlockedVerdict {
  return blocked < limit
    ? { runContinues: true, mode: "strict", incidents: blocked }
    : {
        runContinues: false,
        error: { code: "quota_exceeded", reason: "blocked_calls_exceeded" },
        incidents: blocked,
      };
}
