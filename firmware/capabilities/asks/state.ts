/** The states of an ask, and which triggers come back when it is answered (capabilities.md 8). */
import { ASK_LIMITS } from "../../core/limits.ts";
export type AskState = "pending" | "available" | "granted" | "denied" | "expired" | "withdrawn";

export type AskEvent =
  | "resource_missing"
  | "require_consent"
  | "probe_found"
  | "consent_grant"
  | "consent_deny"
  | "timeout"
  | "program_removed"
  | "grant_ended";

export interface AskTransition {
  readonly state: AskState;
  /** The same question again: counted, not asked a second time. */
  readonly repeated: boolean;
  /** True: waiting triggers run again; false: they are refused; null: they go on waiting. */
  readonly resume: boolean | null;
}

const FROM_PENDING: Readonly<
  Partial<Record<AskEvent, { readonly state: AskState; readonly resume: boolean }>>
> = {
  probe_found: { state: "available", resume: true },
  consent_grant: { state: "granted", resume: true },
  consent_deny: { state: "denied", resume: false },
  timeout: { state: "expired", resume: false },
  program_removed: { state: "withdrawn", resume: false },
};

const isQuestion = (event: AskEvent): boolean => event === "resource_missing" || event === "require_consent";

/** The next state, or null if the event means nothing in this state. */
export function nextAskState(state: AskState | null, event: AskEvent): AskTransition | null {
  if (state === "pending") {
    if (isQuestion(event)) return { state, repeated: true, resume: null };
    const next = FROM_PENDING[event];
    return next ? { ...next, repeated: false } : null;
  }
  if (isQuestion(event)) return { state: "pending", repeated: false, resume: null };
  const ended = (state === "available" || state === "granted") && event === "grant_ended";
  return ended ? { state: "pending", repeated: false, resume: null } : null;
}

/** Triggers that are kept; interval and edge triggers simply come again. */
const KEPT: ReadonlySet<string> = new Set(["command", "at", "queue", "boot"]);
export const RESUME_MAX_AGE_MS = ASK_LIMITS.resumeMaxAgeMs;

export type ResumeVerdict =
  | { readonly resume: false }
  /** A new run with the same trigger: what the old one had seen is stale. */
  | { readonly resume: true; readonly sameRun: false; readonly evidenceKept: 0 };

export function resumeVerdict(
  trigger: string,
  ageMs: number,
  maxAgeMs: number = RESUME_MAX_AGE_MS,
): ResumeVerdict {
  return KEPT.has(trigger) && ageMs <= maxAgeMs
    ? { resume: true, sameRun: false, evidenceKept: 0 }
    : { resume: false };
}
