/**
 * The spending budget of a subject (phi.md 11): whole mΦ, refilled by the monotonic clock with a carry, so that
 * charges, refunds and refills account for the balance exactly. Pure; `BudgetLedger` guards the state.
 */
import { type Refusal, refusal } from "../core/errors.ts";

const HOUR_MS = 3_600_000;
/** Cost of a capability that neither policy nor its contract prices. */
export const DEFAULT_COST_MILLI = 1000;

export interface PhiBudget {
  readonly capacityMilli: number;
  readonly refillPerHourMilli: number;
  /** mΦ per capability id; wins over the contract's own cost. */
  readonly cost: Readonly<Record<string, number>>;
}

export interface BudgetState {
  readonly balanceMilli: number;
  /** Remainder of the refill, in mΦ·ms, below 3600000. */
  readonly carry: number;
  /** Monotonic ms of the last refill. */
  readonly atMs: number;
}

export type ChargeResult =
  | {
      readonly ok: true;
      readonly state: BudgetState;
      readonly chargedMilli: number;
      readonly remainingMilli: number;
    }
  | { readonly ok: false; readonly state: BudgetState; readonly refusal: Refusal };

/** 50000 Φ of capacity, refilled within an hour. */
export const DEFAULT_BUDGET: PhiBudget = {
  capacityMilli: 50_000_000,
  refillPerHourMilli: 50_000_000,
  cost: {},
};

/** A budget that has never been used. */
export const fullBudget = (budget: PhiBudget, nowMs: number): BudgetState => ({
  balanceMilli: budget.capacityMilli,
  carry: 0,
  atMs: Math.floor(nowMs),
});

/** The price of one call in mΦ: policy, else the contract, else 1000. */
export function costOf(budget: PhiBudget, capability: string, contractMilli?: number): number {
  return Object.hasOwn(budget.cost, capability)
    ? (budget.cost[capability] ?? DEFAULT_COST_MILLI)
    : (contractMilli ?? DEFAULT_COST_MILLI);
}

/** Exact also where gap times rate exceeds 2^53. */
function earned(carry: number, elapsedMs: number, perHour: number): { whole: number; carry: number } {
  const total = BigInt(carry) + BigInt(elapsedMs) * BigInt(perHour);
  const whole = total / BigInt(HOUR_MS);
  return {
    whole: whole > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(whole),
    carry: Number(total % BigInt(HOUR_MS)),
  };
}

/** Adds what the elapsed time has earned. A clock that went back earns nothing. */
export function refill(state: BudgetState, budget: PhiBudget, nowMs: number): BudgetState {
  const now = Math.floor(nowMs);
  const elapsed = Math.max(0, now - state.atMs);
  const { whole, carry } = earned(state.carry, elapsed, budget.refillPerHourMilli);
  const atMs = Math.max(now, state.atMs);
  return whole >= budget.capacityMilli - state.balanceMilli
    ? { balanceMilli: budget.capacityMilli, carry: 0, atMs }
    : { balanceMilli: state.balanceMilli + whole, carry, atMs };
}

const inPhi = (milli: number): string => String(milli / 1000);

/** Milliseconds until `missing` mΦ have been earned; null if that never happens. */
function waitFor(state: BudgetState, budget: PhiBudget, need: number): number | null {
  if (budget.refillPerHourMilli <= 0 || need > budget.capacityMilli) return null;
  const missing = BigInt(need - state.balanceMilli) * BigInt(HOUR_MS) - BigInt(state.carry);
  const rate = BigInt(budget.refillPerHourMilli);
  return Number((missing + rate - 1n) / rate);
}

/**
 * Refills, then takes the cost or refuses with `budget_exceeded` (429); equality is allowed and a refusal leaves
 * the balance as it was. `costMilli` is the result of `costOf`, an integer of at least 0.
 */
export function charge(
  state: BudgetState,
  budget: PhiBudget,
  capability: string,
  costMilli: number,
  nowMs: number,
): ChargeResult {
  const filled = refill(state, budget, nowMs);
  if (costMilli > filled.balanceMilli) {
    const details = {
      capability,
      requiredMilli: costMilli,
      availableMilli: filled.balanceMilli,
      retryAfterMs: waitFor(filled, budget, costMilli),
      text: `budget_exceeded:${capability}:${inPhi(costMilli)}>${inPhi(filled.balanceMilli)}`,
    };
    return { ok: false, state: filled, refusal: refusal("budget_exceeded", 429, details) };
  }
  const remainingMilli = filled.balanceMilli - costMilli;
  return {
    ok: true,
    state: { ...filled, balanceMilli: remainingMilli },
    chargedMilli: costMilli,
    remainingMilli,
  };
}

/** Gives a charge back in full: the charged call did not take place. Never lifts a balance above capacity. */
export function refund(
  state: BudgetState,
  budget: PhiBudget,
  chargedMilli: number,
  nowMs: number,
): BudgetState {
  const filled = refill(state, budget, nowMs);
  const balanceMilli = filled.balanceMilli + chargedMilli;
  return balanceMilli >= budget.capacityMilli
    ? { ...filled, balanceMilli: budget.capacityMilli, carry: 0 }
    : { ...filled, balanceMilli };
}
