/** Going back: first stored, then done (rollout.md 17). A target that fails its own self-test is bad too. */

import { codeOf } from "../firmware/core/errors.ts";
import type { JsonObject } from "../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import { loadStored, type OtaContext, pointerOf, type StepOutcome } from "./context.ts";
import type { OtaEvent } from "./machine.ts";
import type { LoadedRelease } from "./ports.ts";
import { FACTORY, rollbackTarget } from "./rules/target.ts";
import type { OtaRun } from "./run.ts";
import { selfTest } from "./self-test.ts";
import type { Pointer } from "./slots.ts";
import { keptReleases } from "./trial.ts";

type Parts = Pick<OtaContext, "options" | "slots">;

/** The hash to go back to from what is in force, null for safe mode. */
export async function targetOf(parts: Parts, pointer: Pointer): Promise<string | null> {
  const history = await Promise.all(
    pointer.history.map(async ({ hash }) => ({
      policy: hash,
      state: "committed",
      stored: (await loadStored(parts.options, parts.slots, hash)).ok,
    })),
  );
  const bad = pointer.bad.map((hash) => (hash === pointer.factory ? FACTORY : hash));
  const factoryValid = (await loadStored(parts.options, parts.slots, pointer.factory)).ok;
  const current = pointer.active === pointer.factory ? FACTORY : pointer.active;
  const { target } = rollbackTarget({ history, current, factoryValid, bad });
  return target === FACTORY ? pointer.factory : target;
}

const backTo = (pointer: Pointer, target: string | null): Pointer =>
  target === null
    ? pointer
    : { ...pointer, active: target, previous: null, lastKnownGood: target, slot: "committed" };

const withBad = (pointer: Pointer, hash: string): Pointer =>
  pointer.bad.includes(hash) ? pointer : { ...pointer, bad: [...pointer.bad, hash] };

/** The arrow to `rolling_back`: decision, target, pointer and the bad mark in one batch. */
export async function rollbackOutcome(
  parts: Parts,
  run: OtaRun,
  given: {
    readonly event: OtaEvent;
    readonly reason?: string;
    readonly patch?: Partial<OtaRun>;
    readonly data?: JsonObject;
    /** Overrides the rule: an operator named it, and it is in the history. */
    readonly target?: string;
  },
): Promise<StepOutcome> {
  const { slots, options } = parts;
  const pointer = withBad(await pointerOf(slots), run.candidate);
  const to = given.target ?? (await targetOf(parts, pointer));
  const refused = await slots.putRefused(
    run.candidate,
    { at: options.clock.wallMs(), reason: given.reason ?? given.event },
    options.clock.wallMs() - REFUSED_MS,
  );
  return {
    event: given.event,
    ...(given.reason === undefined ? {} : { reason: given.reason }),
    ...(given.data === undefined ? {} : { data: given.data }),
    patch: { ...given.patch, to },
    ops: [slots.putPointer(backTo(pointer, to)), ...refused],
  };
}

/** How long a refused release stays refused; a rolled-back one stays so until it is retried. */
export const REFUSED_MS = TRIAL_LIMITS.refusedMs;

async function tryTarget(
  context: OtaContext,
  release: LoadedRelease,
  isUnsafe: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    if (context.running !== release.hash) {
      context.running = null;
      await context.runtime.host.activate(release, { trial: false, safe: isUnsafe, signal });
      context.running = release.hash;
    }
    const report = await selfTest(context, release, signal);
    return report.ok ? null : "self_test";
  } catch (error) {
    signal.throwIfAborted();
    return codeOf(error);
  }
}

/**
 * Loads the stored target and tests it; one that fails is marked bad and the next is tried.
 * @param store keeps the run with a changed target and the pointer to it, before the target is loaded.
 */
export async function rollbackStep(
  context: OtaContext,
  run: OtaRun,
  store: (run: OtaRun, pointer: Pointer) => Promise<void>,
  signal: AbortSignal,
): Promise<StepOutcome> {
  const { options, slots } = context;
  let current = run;
  while (current.to !== null) {
    const loaded = await loadStored(options, slots, current.to);
    const problem = loaded.ok
      ? await tryTarget(context, loaded.release, current.isUnsafe, signal)
      : loaded.code;
    if (problem === null) {
      const kept = keptReleases(await pointerOf(slots));
      return { event: "rollback_ok", patch: { to: current.to }, ops: await slots.dropOthers(kept) };
    }
    options.log.error("ota_rollback_target_failed", { target: current.to, problem });
    const pointer = withBad(await pointerOf(slots), current.to);
    const to = await targetOf(context, pointer);
    current = { ...current, to };
    await store(current, backTo(pointer, to));
  }
  return { event: "rollback_fail", patch: { to: null } };
}
