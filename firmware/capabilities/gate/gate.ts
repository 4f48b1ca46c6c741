/** The one wrapper around every driver call, and the plan that walks the same steps without acting. */
import { messageOf, type Refusal, refusal } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { CallResult } from "../call-result.ts";
import type { RunContext } from "../context.ts";
import { finishDone, finishRefused } from "./aftermath.ts";
import type { CallOptions, CallState, GateParts } from "./call-state.ts";
import { type Plan, planCall } from "./plan.ts";
import { STEPS, type Step } from "./steps.ts";

export class CapabilityGate {
  readonly #parts: GateParts;
  #calls = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Calls that wait for admission (`imu_capability_waiting`). */
  get waiting(): number {
    return this.#parts.admission.waiting;
  }

  /**
   * Performs a capability for a run: steps 0 to 18 of capabilities.md 4 in their order; the first refusal decides.
   * Never rejects: every fault is a typed result.
   * @param id canonical id or alias. @param args named or positional arguments.
   */
  async call(
    ctx: RunContext,
    id: string,
    args: Json,
    signal: AbortSignal,
    options: CallOptions = {},
  ): Promise<CallResult> {
    const call = this.#begin(ctx, id, args, signal, options);
    for (const step of STEPS) {
      if (!step.applies(call)) continue;
      const refused = aborted(call, step) ?? (await this.#run(call, step));
      if (refused) return finishRefused(call, step, refused);
    }
    return finishDone(call);
  }

  /** What `call` would do, without a trace of any kind (capabilities.md 5). */
  async plan(ctx: RunContext, id: string, args: Json): Promise<Plan> {
    return planCall(this.#begin(ctx, id, args, new AbortController().signal, {}));
  }

  /** A part that throws where it must answer is a fault of this device: it refuses, and nothing leaks. */
  async #run(call: CallState, step: Step): Promise<Refusal | null> {
    try {
      return await step.run(call, "call");
    } catch (error) {
      const details = { capability: call.id.slice(0, 64), step: step.name };
      this.#parts.observer.alert("capability_internal", { ...details, message: messageOf(error) });
      return refusal("io_error", 500, { kind: "internal", ...details });
    }
  }

  #begin(ctx: RunContext, id: string, rawArgs: Json, signal: AbortSignal, options: CallOptions): CallState {
    return {
      parts: this.#parts,
      ctx,
      id,
      rawArgs,
      signal,
      options,
      callId: `${ctx.runId}/${this.#calls++}`,
      startedMs: this.#parts.clock.monoMs(),
      capability: null,
      args: {},
      target: null,
      decision: null,
      waited: false,
      slotTaken: false,
      intentKept: false,
      chargedMilli: 0,
      touched: true,
      outcome: null,
      evidence: [],
    };
  }
}

/** A run that was cut makes no further effect; what it had taken is released like after any refusal. */
function aborted(call: CallState, step: Step): Refusal | null {
  return call.signal.aborted && step.number >= 10 && step.number <= 15 ? refusal("io_aborted", 409) : null;
}
