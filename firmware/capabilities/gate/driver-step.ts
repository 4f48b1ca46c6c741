/** Step 15: the driver, with a deadline, an AbortSignal, and a way out when it ignores both. */
import { refusal } from "../../core/errors.ts";
import type { DriverOutcome, StepFailure } from "../capability.ts";
import { type CallState, resolved, type StepResult } from "./call-state.ts";
import { type Fault, mapFault } from "./faults.ts";

type Settled =
  | { readonly kind: "answered"; readonly value: DriverOutcome | StepFailure }
  | { readonly kind: "threw"; readonly error: unknown }
  | { readonly kind: "timeout" }
  | { readonly kind: "aborted" };

/** The end of one call from outside. The signal is made when somebody first asks for it: few drivers do. */
class Ending {
  readonly #controller = new AbortController();
  #hasCome = false;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  come(reason: unknown): void {
    this.#hasCome = true;
    this.#controller.abort(reason);
  }

  throwIfCome(): void {
    if (this.#hasCome) this.signal.throwIfAborted();
  }
}

/** Longest time in ms that this call may take. */
function deadlineOf(call: CallState): number {
  const { capability } = resolved(call);
  const own = capability.timeoutMs?.(call.args) ?? capability.contract.timeoutMs;
  const asked = call.args.timeoutMs;
  return typeof asked === "number" ? Math.min(asked, own) : own;
}

export async function runDriver(call: CallState): Promise<StepResult> {
  const { capability, target } = resolved(call);
  const { ctx, parts } = call;
  const actsAtOnce = target.class === "effect" || (target.class === "local" && capability.rehearse);
  if (ctx.dry && actsAtOnce && !capability.compound) return rehearse(call);
  const ending = new Ending();
  const progress = { started: false };
  const grantId = call.decision?.grantId;
  if (grantId !== undefined) {
    ctx.counters.grants++;
    ctx.staged.push(...parts.decider.useGrant(grantId));
  }
  const work = (): Promise<DriverOutcome | StepFailure> => {
    progress.started = true;
    ctx.openIntents.acts(call.callId);
    const { args } = call;
    return capability.perform({
      ctx,
      args,
      target,
      claims: call.options.claims ?? [],
      get signal() {
        return ending.signal;
      },
    });
  };
  // The way to safety waits for no other call on the same path.
  const path = target.safeValue ? null : target.exclusive;
  const pending = parts.paths.run(path, () => ending.throwIfCome(), work);
  const settled = await raceDeadline(call, pending, ending);
  return judge(call, settled, pending, progress.started);
}

/** A dry run acts on nothing; its evidence holds only what was really seen. */
function rehearse(call: CallState): StepResult {
  const { capability } = resolved(call);
  call.touched = false;
  if (!capability.rehearse)
    return refusal("capability_disabled", 403, { capability: call.id, why: "dry_run" });
  call.outcome = { result: capability.rehearse(call.args), evidence: [] };
  return null;
}

async function raceDeadline(
  call: CallState,
  pending: Promise<DriverOutcome | StepFailure>,
  ending: Ending,
): Promise<Settled> {
  const { clock } = call.parts;
  const answer: Promise<Settled> = pending.then(
    (value) => ({ kind: "answered", value }),
    (error: unknown) => ({ kind: "threw", error }),
  );
  let resolveStop: (settled: Settled) => void = () => undefined;
  const stopped = new Promise<Settled>((resolve) => {
    resolveStop = resolve;
  });
  const end = (kind: "timeout" | "aborted"): void => {
    ending.come(call.signal.reason);
    resolveStop({ kind });
  };
  const onAbort = (): void => end("aborted");
  const timer = clock.after(deadlineOf(call), () => end("timeout"));
  call.signal.addEventListener("abort", onAbort, { once: true });
  if (call.signal.aborted) onAbort();
  try {
    const first = await Promise.race([answer, stopped]);
    if (first.kind === "answered" || first.kind === "threw") return first;
    // A driver that obeys its signal answers within one turn and knows best what it did.
    const late = await Promise.race([answer, clock.yield().then(() => first)]);
    return late.kind === "threw" && isAbort(late.error, ending.signal) ? first : late;
  } finally {
    timer.cancel();
    call.signal.removeEventListener("abort", onAbort);
  }
}

const isAbort = (error: unknown, signal: AbortSignal): boolean =>
  error === signal.reason || (error instanceof Error && error.name === "AbortError");

/** A write that was cut short on the bus may or may not have happened. */
const isUnknownEffect = (kind: string, { refusal: { code }, touched }: Fault): boolean =>
  kind === "effect" && touched && (code === "io_timeout" || code === "io_aborted");

function judge(call: CallState, settled: Settled, pending: Promise<unknown>, started: boolean): StepResult {
  const { target } = resolved(call);
  switch (settled.kind) {
    case "answered":
      if (!("result" in settled.value)) {
        call.touched = false;
        const { step, ...refused } = settled.value;
        if (step) call.failedStep = step;
        return refused;
      }
      call.outcome = settled.value;
      return null;
    case "threw": {
      const fault = mapFault(settled.error, target.uri);
      call.touched = fault.touched;
      if (fault.internal)
        call.parts.observer.alert("driver_internal", { capability: call.id, target: target.uri });
      return isUnknownEffect(target.class, fault)
        ? refusal("effect_unknown", 503, fault.refusal.details)
        : fault.refusal;
    }
    default: {
      call.touched = started;
      if (started && target.exclusive !== null) call.parts.paths.abandon(target.exclusive, pending);
      const details = { target: target.uri, capability: call.id };
      if (started && target.class === "effect") return refusal("effect_unknown", 503, details);
      return settled.kind === "timeout"
        ? refusal("io_timeout", 503, details)
        : refusal("io_aborted", 409, details);
    }
  }
}
