/** The order in which every accepted message is checked (evidence.md 12). */

/** First to last. Commands add rows of their own without changing this order. */
export const INBOUND_ORDER = [
  "message_too_large",
  "rate_limited",
  "topic_not_allowed",
  "malformed",
  "payload_type_mismatch",
  "payload_not_canonical",
  "missing_signature",
  "unknown_key",
  "key_revoked",
  "key_retired",
  "key_expired",
  "key_not_yet_valid",
  "bad_signature",
  "threshold_not_met",
  "wrong_fleet",
  "wrong_audience",
  "clock_untrusted",
  "not_yet_valid",
  "expired",
  "replayed",
  "scope_missing",
] as const;

export type InboundReason = (typeof INBOUND_ORDER)[number];

/** True when the check fails. Only the checks up to the first failure are run. */
export type InboundChecks = Readonly<Partial<Record<InboundReason, () => boolean>>>;

/** The reason of the first failing check, or null. */
export function firstInboundFailure(checks: InboundChecks): InboundReason | null {
  for (const reason of INBOUND_ORDER) if (checks[reason]?.()) return reason;
  return null;
}

export { INBOUND_LIMITS } from "../core/limits.ts";
