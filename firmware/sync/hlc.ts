/**
 * Hybrid logical clock (sync.md 1). A stamp is `hex12(ms) + hex4(counter) + '@' + replicaId`, so the byte order of
 * the text is the order of time and it is total. Stamps never go back, whatever the wall clock does.
 */
import { CodedError } from "../core/errors.ts";
import { SYNC_LIMITS } from "../core/limits.ts";

export const MAX_DRIFT_MS = SYNC_LIMITS.driftMs;
const MAX_COUNTER = 0xffff;
const MAX_MS = 0xffff_ffff_ffff;
const REPLICA = /^([a-z0-9-]{1,40})\.([a-z0-9]{1,12})$/;
const STAMP = /^([0-9a-f]{12})([0-9a-f]{4})@([a-z0-9-]{1,40}\.[a-z0-9]{1,12})$/;

export interface HlcState {
  readonly ms: number;
  readonly counter: number;
}

export interface Stamp extends HlcState {
  readonly replica: string;
}

export type ReceiveResult =
  | { readonly ok: true; readonly state: HlcState }
  | { readonly ok: false; readonly code: "clock_ahead"; readonly aheadMs: number };

export const isReplicaId = (text: string): boolean => REPLICA.test(text);

/** The device part of a replica id, or null when the text is not one. */
export const deviceOfReplica = (replica: string): string | null => REPLICA.exec(replica)?.[1] ?? null;

/** `ms` integer 0..2^48-1, `counter` 0..65535. */
export const formatStamp = (state: HlcState, replica: string): string =>
  `${state.ms.toString(16).padStart(12, "0")}${state.counter.toString(16).padStart(4, "0")}@${replica}`;

/** Null when the text is not a stamp. */
export function parseStamp(text: string): Stamp | null {
  const match = STAMP.exec(text);
  if (!match) return null;
  const [, ms = "", counter = "", replica = ""] = match;
  return { ms: Number.parseInt(ms, 16), counter: Number.parseInt(counter, 16), replica };
}

/** Order of two stamps; both are ASCII, so UTF-16 order is byte order. */
export const compareStamps = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

function settled(ms: number, counter: number): HlcState {
  const state = counter > MAX_COUNTER ? { ms: ms + 1, counter: 0 } : { ms, counter };
  if (state.ms > MAX_MS) throw new CodedError("clock_ahead", "The clock passed the range of stamps.");
  return state;
}

/** The state after a local event. */
export function tick(state: HlcState, wallMs: number): HlcState {
  const ms = Math.max(state.ms, wallMs);
  return settled(ms, ms === state.ms ? state.counter + 1 : 0);
}

/** The state after seeing a remote stamp; a stamp too far ahead of the wall clock changes nothing. */
export function receive(
  state: HlcState,
  wallMs: number,
  remote: HlcState,
  maxDriftMs = MAX_DRIFT_MS,
): ReceiveResult {
  const aheadMs = remote.ms - wallMs;
  if (aheadMs > maxDriftMs) return { ok: false, code: "clock_ahead", aheadMs };
  const ms = Math.max(state.ms, remote.ms, wallMs);
  if (ms === state.ms && ms === remote.ms)
    return { ok: true, state: settled(ms, Math.max(state.counter, remote.counter) + 1) };
  if (ms === state.ms) return { ok: true, state: settled(ms, state.counter + 1) };
  if (ms === remote.ms) return { ok: true, state: settled(ms, remote.counter + 1) };
  return { ok: true, state: { ms, counter: 0 } };
}
