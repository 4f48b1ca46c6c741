/** What is in force at boot, and what becomes of an update that was under way (rollout.md 2.1; policy.md 11). */
import { CodedError, codeOf } from "../firmware/core/errors.ts";
import type { LedgerEvent } from "../firmware/ledger/types.ts";
import type { StoreOp } from "../firmware/ports/store.ts";
import { loadStored, type OtaOptions, type StepOutcome } from "./context.ts";
import type { OtaJournal } from "./journal.ts";
import { isRefused, isTrial, transition } from "./machine.ts";
import type { LoadedRelease } from "./ports.ts";
import { readBundle, releaseHash } from "./release/bundle.ts";
import { rollbackOutcome } from "./rollback.ts";
import type { OtaRun } from "./run.ts";
import type { Pointer, Slots } from "./slots.ts";

export interface BootParts {
  readonly options: OtaOptions;
  readonly slots: Slots;
  readonly journal: OtaJournal;
}

/** Null: nothing could be loaded, or going back failed before: safe mode, with the reason. */
export type BootResult =
  | { readonly release: LoadedRelease; readonly reason: null }
  | { readonly release: null; readonly reason: string };

const corrupt = (policyHash: string, next: string | null, reason: string): LedgerEvent => ({
  kind: "policy_corrupt",
  actor: "daemon",
  severity: next === null ? "critical" : "error",
  data: { policyHash, next, reason },
});

const commit = async (
  { options }: BootParts,
  ops: readonly StoreOp[],
  events: readonly LedgerEvent[] = [],
) => {
  await options.committer.commit({ events, ops }, { urgent: true });
};

const firstPointer = (factory: string, versionFloor: number): Pointer => ({
  active: factory,
  previous: null,
  factory,
  lastKnownGood: factory,
  slot: "committed",
  versionFloor,
  history: [],
  bad: [],
});

/** A damaged pointer is no reason to run nothing: the factory release is still there. */
async function storedPointer(
  parts: BootParts,
): Promise<{ readonly pointer: Pointer | null; readonly isDamaged: boolean }> {
  try {
    return { pointer: await parts.slots.pointer(), isDamaged: false };
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "store_corrupt") throw error;
    return { pointer: null, isDamaged: true };
  }
}

/** The pointer, made or moved along when the installation brought another factory release. */
async function ensurePointer(parts: BootParts): Promise<Pointer> {
  const { options, slots } = parts;
  const factory = releaseHash(options.factory);
  const { pointer, isDamaged } = await storedPointer(parts);
  if (pointer?.factory === factory) return pointer;
  const bundle = readBundle(options.factory);
  const floor = bundle.ok ? bundle.bundle.version : 0;
  const moved = (hash: string): string => (pointer !== null && hash === pointer.factory ? factory : hash);
  const next: Pointer =
    pointer === null
      ? firstPointer(factory, floor)
      : {
          ...pointer,
          factory,
          active: moved(pointer.active),
          lastKnownGood: moved(pointer.lastKnownGood),
          previous: pointer.previous === null ? null : moved(pointer.previous),
        };
  const events = isDamaged ? [corrupt("pointer", factory, "store_corrupt")] : [];
  await commit(parts, [slots.putPointer(next), slots.putBytes(factory, options.factory)], events);
  return next;
}

/** Notes this life of the daemon. @returns true if the last one ended without saying so, on the same kernel boot. */
async function markBoot(parts: BootParts): Promise<boolean> {
  const { slots, options } = parts;
  const { kernelBootId } = options.facts;
  const mark = await slots.bootMark();
  await commit(parts, [slots.putBootMark({ kernelBootId, clean: false })]);
  return mark !== null && !mark.clean && mark.kernelBootId === kernelBootId;
}

async function recoverRun(
  parts: BootParts,
  run: OtaRun,
  pointer: Pointer,
  crashed: boolean,
): Promise<OtaRun> {
  const { journal, options } = parts;
  if (isTrial(run.state)) {
    const event = crashed ? "crash" : "power_loss";
    const next = transition(run, event, { maxTrialRestarts: run.settings.maxTrialRestarts });
    const isLeaving = !isRefused(next) && next.state === "rolling_back";
    const outcome: StepOutcome = isLeaving
      ? await rollbackOutcome(parts, run, { event, patch: { isUnsafe: true } })
      : { event, data: { restart: run.trialRestarts + 1 } };
    return journal.arrow(run, event, outcome);
  }
  if (run.state !== "gated" && run.state !== "shadowed") return run;
  const age = options.clock.wallMs() - run.enteredAt;
  const isCurrent = pointer.active === run.from && age >= 0 && age <= run.settings.gateTtlMs;
  if (isCurrent) return run;
  const gateResults = run.gateResults.filter(({ gate }) => gate === "trust" || gate === "plan");
  const redone: OtaRun = { ...run, state: "planned", gateResults };
  await journal.write(redone, { data: { why: "gate_results_old" } });
  return redone;
}

/** The release in force, or the next one that is whole: active, previous, factory, else none. */
async function loadActive(
  parts: BootParts,
  run: OtaRun | null,
): Promise<{ result: BootResult; run: OtaRun | null }> {
  const { options, slots, journal } = parts;
  const pointer = await ensurePointer(parts);
  const chain = [
    ...new Set([pointer.active, ...(pointer.previous ? [pointer.previous] : []), pointer.factory]),
  ];
  let failure = "policy_corrupt";
  for (const [i, hash] of chain.entries()) {
    const loaded = await loadStored(options, slots, hash);
    if (!loaded.ok) {
      failure = loaded.code;
      options.log.error("ota_release_unusable", { hash, code: loaded.code });
      const events = [corrupt(hash, chain[i + 1] ?? null, loaded.code)];
      await commit(parts, [], events);
      continue;
    }
    if (hash === pointer.active) return { result: { release: loaded.release, reason: null }, run };
    if (run !== null && isTrial(run.state)) {
      const outcome = await rollbackOutcome(parts, run, {
        event: "hold_fail",
        reason: failure,
        target: hash,
        patch: { isUnsafe: true },
      });
      const event = run.state === "active" ? "self_test_fail" : outcome.event;
      const next = await journal.arrow(run, event, outcome);
      return { result: { release: loaded.release, reason: null }, run: next };
    }
    const moved: Pointer = {
      ...pointer,
      active: hash,
      previous: null,
      lastKnownGood: hash,
      slot: "committed",
    };
    await commit(parts, [slots.putPointer(moved)]);
    return { result: { release: loaded.release, reason: null }, run };
  }
  return { result: { release: null, reason: failure }, run };
}

/** Runs before anything else of the daemon that could run a program. */
export async function bootUpdates(parts: BootParts): Promise<{ result: BootResult; run: OtaRun | null }> {
  const crashed = await markBoot(parts);
  const pointer = await ensurePointer(parts);
  let run: OtaRun | null = null;
  try {
    run = await parts.slots.current();
  } catch (error) {
    if (codeOf(error) !== "store_corrupt") throw error;
    parts.options.log.error("ota_run_unreadable", {});
  }
  if (run !== null) run = await recoverRun(parts, run, pointer, crashed);
  if (run !== null && (run.state === "safe_mode" || (run.state === "rolling_back" && run.to === null))) {
    return { result: { release: null, reason: run.reason ?? "safe_mode" }, run };
  }
  return loadActive(parts, run);
}
