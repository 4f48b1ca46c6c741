/** Permission records of this device (capabilities.md 10): raw access needs one, a denial closes everything. */
import { globMatches } from "./globs.ts";

export interface PermissionRecord {
  readonly subject: string;
  readonly topic: string;
  readonly actions: readonly string[];
  readonly state: "allowed" | "denied";
  readonly by: string;
  /** Wall ms. */
  readonly at: number;
  /** Wall ms; null never ends. */
  readonly expiresAt: number | null;
}

export interface PermissionQuestion {
  readonly subject: string;
  readonly topic: string;
  readonly action: string;
  /** Named by signed policy. */
  readonly bound: boolean;
}

/** The records in force on this device. */
export interface PermissionSource {
  records(): readonly Omit<PermissionRecord, "by" | "at">[];
}

/** A denied record beats an allowed one; without a record only what policy binds is open. */
export function isPermitted(
  records: ReturnType<PermissionSource["records"]>,
  question: PermissionQuestion,
  nowMs: number,
): boolean {
  const matching = records.filter(
    (record) =>
      (record.expiresAt === null || record.expiresAt > nowMs) &&
      record.actions.includes(question.action) &&
      globMatches(record.subject, question.subject) &&
      globMatches(record.topic, question.topic),
  );
  if (matching.some(({ state }) => state === "denied")) return false;
  return question.bound || matching.some(({ state }) => state === "allowed");
}
