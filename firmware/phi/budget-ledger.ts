/** The balances of all subjects: charged in memory during a run, stored with its settlement (phi.md 11). */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError, refusal } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { PHI_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";
import { put, type Store, type StoreOp } from "../ports/store.ts";
import {
  type BudgetState,
  type ChargeResult,
  charge,
  costOf,
  fullBudget,
  type PhiBudget,
  refill,
  refund,
} from "./budget.ts";

/** Sublevel of the balances, which holds nothing else. */
export const BALANCE_SUB = "phi";
const PREFIX = "budget/";

/** A balance as it is stored: `wallMs` and `trusted` carry the refill over a restart. */
interface StoredBudget {
  readonly balanceMilli: number;
  readonly carry: number;
  readonly wallMs: number;
  readonly trusted: boolean;
}

interface Staged {
  readonly subject: string;
  chargedMilli: number;
}

/**
 * Takes the place of a damaged balance: nothing is left, and it refills from now on. A full balance would give the
 * subject more than the policy allows.
 */
export const emptyBalance = (key: string): StoreOp =>
  put(BALANCE_SUB, key, encodeCbor({ balanceMilli: 0, carry: 0, wallMs: 0, trusted: false }));

/** Reads a stored balance. @throws CodedError `store_corrupt`. */
export function decodeBalance(bytes: Uint8Array): StoredBudget {
  const value = decodeCbor(bytes);
  if (isJsonObject(value)) {
    const { balanceMilli, carry, wallMs, trusted } = value;
    const whole = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0;
    if (whole(balanceMilli) && whole(carry) && whole(wallMs) && typeof trusted === "boolean") {
      return { balanceMilli, carry, wallMs, trusted };
    }
  }
  throw new CodedError("store_corrupt", "A stored Φ balance cannot be read.");
}

/** Over a restart the gap counts only if both clocks were trusted; `refill` caps it at a full budget. */
function restored(stored: StoredBudget, budget: PhiBudget, clock: Clock): BudgetState {
  const both = stored.trusted && clock.trust() === "trusted";
  const gap = both ? Math.max(0, clock.wallMs() - stored.wallMs) : 0;
  const balanceMilli = Math.min(stored.balanceMilli, budget.capacityMilli);
  const atGap = refill({ balanceMilli, carry: stored.carry, atMs: 0 }, budget, gap);
  return { ...atGap, atMs: Math.floor(clock.monoMs()) };
}

/**
 * Invariants: the stored balance of a subject is its balance in memory plus all charges that are not settled yet,
 * so that a run cut by a power loss has cost nothing; at most 1024 subjects are held.
 */
export class BudgetLedger {
  readonly #clock: Clock;
  #budget: PhiBudget;
  /** Least recently used first. */
  readonly #states = new Map<string, BudgetState>();
  readonly #staged = new Map<string, Staged>();

  private constructor(budget: PhiBudget, clock: Clock) {
    this.#budget = budget;
    this.#clock = clock;
  }

  /** Loads all balances. @throws CodedError `store_corrupt` if one cannot be read. */
  static async open(store: Store, budget: PhiBudget, clock: Clock): Promise<BudgetLedger> {
    const ledger = new BudgetLedger(budget, clock);
    const range = { gte: PREFIX, lt: `${PREFIX}\u{10ffff}`, limit: PHI_LIMITS.subjects };
    for await (const [key, bytes] of store.range(BALANCE_SUB, range)) {
      ledger.#states.set(key.slice(PREFIX.length), restored(decodeBalance(bytes), budget, clock));
    }
    return ledger;
  }

  /** Uses another budget from now on; balances above the new capacity are cut at the next refill. */
  adopt(budget: PhiBudget): void {
    this.#refillAll();
    this.#budget = budget;
    for (const [subject, state] of this.#states) {
      const balanceMilli = Math.min(state.balanceMilli, budget.capacityMilli);
      this.#states.set(subject, { ...state, balanceMilli });
    }
  }

  /** mΦ that the subject could spend now. */
  available(subject: string): number {
    return refill(this.#state(subject), this.#budget, this.#clock.monoMs()).balanceMilli;
  }

  /**
   * Charges one call of a run before its driver is touched. Refused with `budget_exceeded` (429), the balance
   * unchanged. `contractMilli` is the cost in the capability's contract.
   */
  charge(run: string, subject: string, capability: string, contractMilli?: number): ChargeResult {
    const staged = this.#staged.get(run);
    if (staged && staged.subject !== subject) {
      throw new CodedError("internal", "A run belongs to one subject.", { details: { run } });
    }
    if (!this.#states.has(subject) && !this.#makeRoom()) {
      const state = fullBudget(this.#budget, this.#clock.monoMs());
      const details = { capability, maxSubjects: PHI_LIMITS.subjects };
      return {
        ok: false,
        state,
        refusal: refusal("budget_exceeded", 429, details, "too_many_subjects"),
      };
    }
    const cost = costOf(this.#budget, capability, contractMilli);
    const result = charge(this.#state(subject), this.#budget, capability, cost, this.#clock.monoMs());
    this.#keep(subject, result.state);
    if (result.ok) {
      if (staged) staged.chargedMilli += cost;
      else this.#staged.set(run, { subject, chargedMilli: cost });
    }
    return result;
  }

  /**
   * Gives back a charge of this run whose call did not take place; answers the balance.
   * @throws CodedError `out_of_range` (422) for more than the run was charged.
   */
  refund(run: string, chargedMilli: number): number {
    const staged = this.#staged.get(run);
    if (!staged || chargedMilli < 0 || chargedMilli > staged.chargedMilli) {
      throw new CodedError("out_of_range", "A refund cannot exceed what the run was charged.", {
        status: 422,
        details: { run, chargedMilli },
      });
    }
    staged.chargedMilli -= chargedMilli;
    const state = refund(this.#state(staged.subject), this.#budget, chargedMilli, this.#clock.monoMs());
    this.#keep(staged.subject, state);
    return state.balanceMilli;
  }

  /** Ends the run's charges and gives the operations for its settlement batch; none if it was never charged. */
  settle(run: string): readonly StoreOp[] {
    const staged = this.#staged.get(run);
    if (!staged) return [];
    this.#staged.delete(run);
    return [this.#stored(staged.subject)];
  }

  /** Gives everything back: the run will never settle. */
  abandon(run: string): void {
    const staged = this.#staged.get(run);
    if (!staged) return;
    if (staged.chargedMilli > 0) this.refund(run, staged.chargedMilli);
    this.#staged.delete(run);
  }

  /** mΦ charged by the run so far, refunds left out. */
  chargedBy(run: string): number {
    return this.#staged.get(run)?.chargedMilli ?? 0;
  }

  #stored(subject: string): StoreOp {
    const { balanceMilli, carry } = this.#state(subject);
    let unsettled = 0;
    for (const staged of this.#staged.values()) {
      if (staged.subject === subject) unsettled += staged.chargedMilli;
    }
    const record: StoredBudget = {
      balanceMilli: Math.min(this.#budget.capacityMilli, balanceMilli + unsettled),
      carry,
      wallMs: this.#clock.wallMs(),
      trusted: this.#clock.trust() === "trusted",
    };
    return put(BALANCE_SUB, PREFIX + subject, encodeCbor(record));
  }

  #state(subject: string): BudgetState {
    return this.#states.get(subject) ?? fullBudget(this.#budget, this.#clock.monoMs());
  }

  #keep(subject: string, state: BudgetState): void {
    this.#states.delete(subject);
    this.#states.set(subject, state);
  }

  #refillAll(): void {
    const now = this.#clock.monoMs();
    for (const [subject, state] of this.#states) {
      this.#states.set(subject, refill(state, this.#budget, now));
    }
  }

  /** Drops the least recently used subject that has a full balance: forgetting it changes nothing. */
  #makeRoom(): boolean {
    if (this.#states.size < PHI_LIMITS.subjects) return true;
    this.#refillAll();
    const busy = new Set([...this.#staged.values()].map(({ subject }) => subject));
    for (const [subject, state] of this.#states) {
      if (state.balanceMilli < this.#budget.capacityMilli || busy.has(subject)) continue;
      this.#states.delete(subject);
      return true;
    }
    return false;
  }
}
