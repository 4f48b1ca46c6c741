/** Grow-only and positive-negative counters (sync.md 2). A delta carries a replica's new total, not the step. */
import { CodedError } from "../../core/errors.ts";

export type GCounter = { readonly [replica: string]: number };
export interface PnCounter {
  readonly p: GCounter;
  readonly n: GCounter;
}

/** The larger total of each replica. */
export function mergeGCounter(a: GCounter, b: GCounter): GCounter {
  const out: Record<string, number> = { ...a };
  for (const [replica, total] of Object.entries(b)) out[replica] = Math.max(out[replica] ?? 0, total);
  return out;
}

export const mergePnCounter = (a: PnCounter, b: PnCounter): PnCounter => ({
  p: mergeGCounter(a.p, b.p),
  n: mergeGCounter(a.n, b.n),
});

/**
 * The delta of an increment by `by`, an integer >= 1.
 * @throws CodedError `counter_amount_invalid` (422), `counter_overflow` (409) past 2^53-1.
 */
export function incrementDelta(state: GCounter, replica: string, by: unknown): GCounter {
  if (typeof by !== "number" || !Number.isSafeInteger(by) || by < 1) {
    throw new CodedError("counter_amount_invalid", "An increment is an integer of at least 1.", {
      status: 422,
    });
  }
  const total = BigInt(state[replica] ?? 0) + BigInt(by);
  if (total > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new CodedError("counter_overflow", "The replica's total would pass 2^53-1.", { status: 409 });
  }
  return { [replica]: Number(total) };
}

const sum = (counter: GCounter): bigint =>
  Object.values(counter).reduce((total, part) => total + BigInt(part), 0n);

/** A number while it is exact, else decimal text. */
const exact = (value: bigint): number | string => {
  const limit = BigInt(Number.MAX_SAFE_INTEGER);
  return value > limit || value < -limit ? value.toString() : Number(value);
};

export const gcounterValue = (state: GCounter): number | string => exact(sum(state));
export const pncounterValue = (state: PnCounter): number | string => exact(sum(state.p) - sum(state.n));
