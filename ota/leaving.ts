/** What goes into the batch of an arrow that leaves a candidate: the target, the bad mark, the bytes that go. */
import type { StoreOp } from "../firmware/ports/store.ts";
import { pointerOf, type StepOutcome } from "./context.ts";
import type { IntakeParts } from "./intake.ts";
import { isRefused, transition } from "./machine.ts";
import { REFUSED_MS, rollbackOutcome } from "./rollback.ts";
import type { OtaRun } from "./run.ts";
import { keptReleases } from "./trial.ts";

/** Leaving on these is dangerous for what is connected: outputs go safe first. */
const UNSAFE_EVENTS: ReadonlySet<string> = new Set([
  "self_test_fail",
  "probe_fail",
  "activate_fail",
  "emergency",
]);
/** Refusing these would bar a release for what is no fault of its own. */
const FORGIVEN: ReadonlySet<string> = new Set(["aborted_by_command", "emergency_rollback"]);

/** A rejected candidate's bytes go; its hash stays refused unless it was not at fault. */
async function forget(
  { slots, options }: IntakeParts,
  run: OtaRun,
  reason: string,
): Promise<readonly StoreOp[]> {
  const ops = await slots.dropOthers(keptReleases(await pointerOf(slots)));
  if (FORGIVEN.has(reason)) return ops;
  const now = options.clock.wallMs();
  return [...ops, ...(await slots.putRefused(run.candidate, { at: now, reason }, now - REFUSED_MS))];
}

/** Completes an outcome whose arrow leads to `rolling_back` or `rejected`; any other comes back as it is. */
export async function leaving(parts: IntakeParts, run: OtaRun, outcome: StepOutcome): Promise<StepOutcome> {
  const { event, patch, data } = outcome;
  const next = transition(run, event, outcome.reason === undefined ? {} : { reason: outcome.reason });
  if (isRefused(next)) return outcome;
  const reason = next.reason ?? event;
  if (next.state === "rejected") {
    return { ...outcome, ops: [...(outcome.ops ?? []), ...(await forget(parts, run, reason))] };
  }
  if (next.state !== "rolling_back" || patch?.to !== undefined) return outcome;
  const isUnsafe = patch?.isUnsafe ?? UNSAFE_EVENTS.has(event);
  return rollbackOutcome(parts, run, {
    event,
    reason,
    patch: { ...patch, isUnsafe },
    ...(data ? { data } : {}),
  });
}
