/** Lets calls wait for admission, bounded in time and abortable. */
import { type Refusal, refusal } from "../../core/errors.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Admission, AdmissionCall, AdmissionCaps } from "./admission.ts";

export const DEFAULT_WAIT_MS = GATE_LIMITS.waitMs;

export type Admitted = { readonly ok: true; readonly waited: boolean } | Refusal;

export class AdmissionGate {
  readonly #admission: Admission;
  readonly #clock: Clock;
  readonly #wake = new Map<string, () => void>();

  constructor(admission: Admission, clock: Clock) {
    this.#admission = admission;
    this.#clock = clock;
  }

  get waiting(): number {
    return this.#admission.waiting;
  }

  /**
   * Takes a slot, waiting up to `waitMs`. Refusals: `concurrency_exceeded` (429) {why: "queue_full" |
   * "wait_timeout"}; `io_aborted` (409) when the signal fires. A refused call holds nothing.
   */
  async enter(call: AdmissionCall, waitMs: number, signal: AbortSignal): Promise<Admitted> {
    if (signal.aborted) return refusal("io_aborted", 409);
    const answer = this.#admission.arrive(call);
    if ("ok" in answer) return answer;
    if (answer.length > 0) return { ok: true, waited: false };
    return new Promise((resolve) => {
      const finish = (result: Admitted): void => {
        timer.cancel();
        signal.removeEventListener("abort", onAbort);
        this.#wake.delete(call.id);
        resolve(result);
      };
      const giveUp = (result: Refusal): void => {
        this.#admission.abandon(call.id);
        finish(result);
      };
      const onAbort = (): void => giveUp(refusal("io_aborted", 409));
      const timer = this.#clock.after(waitMs, () =>
        giveUp(refusal("concurrency_exceeded", 429, { why: "wait_timeout" })),
      );
      signal.addEventListener("abort", onAbort, { once: true });
      this.#wake.set(call.id, () => finish({ ok: true, waited: true }));
    });
  }

  /** Gives the slot back and wakes whoever may go on. */
  leave(id: string): void {
    this.#wakeAll(this.#admission.release(id));
  }

  resize(caps: Partial<AdmissionCaps>): void {
    this.#wakeAll(this.#admission.resize(caps));
  }

  #wakeAll(admitted: readonly AdmissionCall[]): void {
    for (const { id } of admitted) this.#wake.get(id)?.();
  }
}
