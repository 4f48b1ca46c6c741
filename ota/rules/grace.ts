/** Grace lifts soft violations for careful stages, never a hard one (rollout.md 15). */
import { type Refusal, refusal } from "../../firmware/core/errors.ts";

export interface GraceToken {
  readonly fleet: string;
  readonly policyHash: string;
  readonly gates: readonly string[];
  /** Wall ms, both inclusive. */
  readonly notBefore: number;
  readonly expiresAt: number;
  readonly usesLeft: number;
  readonly revoked?: boolean;
}

export interface GradedViolation {
  readonly gate: string;
  readonly code: string;
  readonly class: "hard" | "soft";
}

const CAREFUL_PERCENT = 1;

/** Text form of a violation. */
export const violationText = ({ gate, code }: { readonly gate: string; readonly code: string }): string =>
  `${gate}: ${code}`;

/** Whether the stage may run in spite of its violations; refusals `grace_not_applicable`, `grace_missing`, `grace_stage_too_wide`. */
export function judgeGrace(given: {
  readonly violations: readonly GradedViolation[];
  readonly tokens: readonly GraceToken[];
  readonly stagePercent: number;
  readonly nowMs: number;
  /** Null for a single board, which counts as the whole fleet. */
  readonly fleet: string | null;
  readonly policyHash: string;
}): { readonly ok: true; readonly maxPercent: number } | (Refusal & { readonly maxPercent?: number }) {
  const { violations, nowMs, fleet, policyHash } = given;
  if (violations.length === 0) return { ok: true, maxPercent: 100 };
  const hard = violations.filter((found) => found.class === "hard").map(violationText);
  if (hard.length > 0) return refusal("grace_not_applicable", 412, { hard });
  const lifted = new Set(
    given.tokens
      .filter(
        (token) =>
          token.fleet === fleet &&
          token.policyHash === policyHash &&
          token.notBefore <= nowMs &&
          nowMs <= token.expiresAt &&
          token.usesLeft > 0 &&
          token.revoked !== true,
      )
      .flatMap(({ gates }) => gates),
  );
  const uncovered = violations.filter(({ gate }) => !lifted.has(gate)).map(violationText);
  if (uncovered.length > 0) return refusal("grace_missing", 412, { uncovered });
  const percent = fleet === null ? 100 : given.stagePercent;
  return percent > CAREFUL_PERCENT
    ? { ...refusal("grace_stage_too_wide", 412, { percent }), maxPercent: CAREFUL_PERCENT }
    : { ok: true, maxPercent: CAREFUL_PERCENT };
}
