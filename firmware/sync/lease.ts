/** Fleet lease, fencing and the quorum gate as pure rules (sync.md 9). Times are monotonic milliseconds. */
import { SYNC_LIMITS } from "../core/limits.ts";
export const MAX_LEASE_TTL_MS = SYNC_LIMITS.leaseTtlMs;

export interface LeaseGrantState {
  /** Largest token promised. */
  readonly token: number;
  readonly holder: string | null;
  readonly untilMs: number;
  /** Set after a restart: a live grant may have been forgotten. */
  readonly bootedAtMs: number | null;
}

export interface LeaseRequest {
  readonly candidate: string;
  readonly token: number;
  readonly ttlMs: number;
}

export type LeaseReply =
  | { readonly grant: true; readonly token: number; readonly untilMs: number }
  | { readonly grant: false; readonly reason: "lease_recovering"; readonly untilMs: number }
  | { readonly grant: false; readonly reason: "lease_ttl_too_long" }
  | { readonly grant: false; readonly reason: "lease_token_stale"; readonly token: number }
  | {
      readonly grant: false;
      readonly reason: "lease_held";
      readonly holder: string;
      readonly untilMs: number;
    };

/** An acceptor's answer and its next state, which must be durable before the answer leaves. */
export function answerLease(
  state: LeaseGrantState,
  { candidate, token, ttlMs }: LeaseRequest,
  atMs: number,
): { readonly state: LeaseGrantState; readonly reply: LeaseReply } {
  const recoveredAt = state.bootedAtMs === null ? 0 : state.bootedAtMs + MAX_LEASE_TTL_MS;
  if (state.bootedAtMs !== null && atMs < recoveredAt)
    return { state, reply: { grant: false, reason: "lease_recovering", untilMs: recoveredAt } };
  if (ttlMs > MAX_LEASE_TTL_MS) return { state, reply: { grant: false, reason: "lease_ttl_too_long" } };
  const holder = atMs < state.untilMs ? state.holder : null;
  const isRenewal = holder === candidate && token === state.token;
  if (token <= state.token && !isRenewal)
    return { state, reply: { grant: false, reason: "lease_token_stale", token: state.token } };
  if (holder !== null && holder !== candidate)
    return { state, reply: { grant: false, reason: "lease_held", holder, untilMs: state.untilMs } };
  const untilMs = atMs + ttlMs;
  return { state: { ...state, token, holder: candidate, untilMs }, reply: { grant: true, token, untilMs } };
}

/** Members that make a majority; null for an empty roster, which has none. */
export const majorityOf = (members: number): number | null =>
  members > 0 ? Math.floor(members / 2) + 1 : null;

/** Counted from the sending of the request, with a tenth off because clocks run at different rates. */
export function heldLease(
  members: number,
  grants: number,
  requestSentMs: number,
  ttlMs: number,
): { readonly held: boolean; readonly validUntilMs: number | null } {
  const need = majorityOf(members);
  const held = need !== null && grants >= need;
  return { held, validUntilMs: held ? requestSentMs + Math.floor((ttlMs * 9) / 10) : null };
}

/** False for a token smaller than the largest seen: `stale_fencing_token`. */
export const fence = (largestSeen: number, token: number): boolean => token >= largestSeen;

/** What a policy that requires quorum or a lease finds missing. */
export function quorumGate(
  members: number,
  alive: number,
  hasLease: boolean,
  require: { readonly quorum: boolean; readonly lease: boolean },
): {
  readonly need: number | null;
  readonly quorumOk: boolean;
  readonly violations: readonly ("no_quorum" | "no_lease")[];
  readonly pass: boolean;
} {
  const need = majorityOf(members);
  const quorumOk = need !== null && alive >= need;
  const violations: ("no_quorum" | "no_lease")[] = [];
  if (require.quorum && !quorumOk) violations.push("no_quorum");
  if (require.lease && !hasLease) violations.push("no_lease");
  return { need, quorumOk, violations, pass: violations.length === 0 };
}
