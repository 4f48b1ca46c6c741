/** The one wrapper around every driver call, and the plan that walks the same steps without acting. */
import { messageOf, type Refusal, refusal } from "../../core/errors.ts";
import type { Json } from "../../core/json.ts";
import type { CallResult } from "../call-result.ts";
import type { RunContext } from "../context.ts";
import { finishDone, finishRefused } from "./aftermath.ts";
import type { CallOptions, CallState, GateParts } from "./call-state.ts";
import { type Plan, planCall } from "./plan.ts";
import { RequirementMemo } from "./requirement-memo.ts";
import { STEPS, type Step } from "./steps.ts";

export class CapabilityGate {
  readonly #parts: GateParts;
  readonly #demands = new RequirementMemo();
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
      // Most steps answer at once; waiting for them all the same would cost a turn of promises each.
      const answer = aborted(call, step) ?? this.#run(call, step);
      const refused = answer instanceof Promise ? await answer : answer;
      if (refused !== null) return finishRefused(call, step, refused);
    }
    return finishDone(call);
  }

  /** What `call` would do, without a trace of any kind (capabilities.md 5). */
  async plan(ctx: RunContext, id: string, args: Json): Promise<Plan> {
    return planCall(this.#begin(ctx, id, args, new AbortController().signal, {}));
  }

  /** A part that throws where it must answer is a fault of this device: it refuses, and nothing leaks. */
  #run(call: CallState, step: Step): Refusal | null | Promise<Refusal | null> {
    try {
      const answer = step.run(call, "call");
      return answer instanceof Promise ? answer.catch((error) => this.#fault(call, step, error)) : answer;
    } catch (error) {
      return this.#fault(call, step, error);
    }
  }

  #fault(call: CallState, step: Step, error: unknown): Refusal {
    const details = { capability: call.id.slice(0, 64), step: step.name };
    this.#parts.observer.alert("capability_internal", { ...details, message: messageOf(error) });
    return refusal("io_error", 500, { kind: "internal", ...details });
  }

  #begin(ctx: RunContext, id: string, rawArgs: Json, signal: AbortSignal, options: CallOptions): CallState {
    return {
      parts: this.#parts,
      demands: this.#demands,
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
