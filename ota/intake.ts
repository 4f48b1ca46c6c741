/** What comes in: releases that may begin a run, and operators' wishes to go back (rollout.md 3, 17). */
import { toHex } from "../firmware/core/bytes.ts";
import { CodedError, type Refusal, refusal } from "../firmware/core/errors.ts";
import { RELEASE_LIMITS } from "../firmware/core/limits.ts";
import { loadStored, type OtaOptions, pointerOf } from "./context.ts";
import type { ReleaseStatement } from "./release/statement.ts";
import { REFUSED_MS } from "./rollback.ts";
import type { OtaRun } from "./run.ts";
import { type OtaSettings, settingsOf } from "./settings.ts";
import type { Pointer, Slots } from "./slots.ts";

export interface IntakeParts {
  readonly options: OtaOptions;
  readonly slots: Slots;
}

export type RollbackWish = "auto" | "previous" | "factory" | (string & {});

/** Ordered by time, so that the history is. */
const runIdAt = ({ entropy }: OtaOptions, now: number): string =>
  `ota-${String(now).padStart(14, "0")}-${toHex(entropy.bytes(4))}`;

/** Of the policy in force. @throws CodedError `policy_corrupt`, `policy_invalid`. */
export async function settingsInForce({ options, slots }: IntakeParts): Promise<OtaSettings> {
  const pointer = await pointerOf(slots);
  const active = await loadStored(options, slots, pointer.active);
  if (!active.ok) throw new CodedError(active.code, "The release in force cannot be read.");
  return settingsOf(active.release.policy, options.config);
}

type RunFacts = Pick<
  OtaRun,
  | "releaseId"
  | "version"
  | "candidate"
  | "from"
  | "state"
  | "settings"
  | "repairs"
  | "isHistoryWaived"
  | "isUnsafe"
>;

/** What every run has when nothing has happened in it yet, at the wall time of now. */
function runWith(options: OtaOptions, facts: RunFacts): OtaRun {
  const now = options.clock.wallMs();
  return {
    v: 1,
    runId: runIdAt(options, now),
    rolloutId: null,
    kind: "policy",
    startedAt: now,
    enteredAt: now,
    trialRestarts: 0,
    heldMs: 0,
    hold: null,
    activatedAt: null,
    reason: null,
    to: null,
    gateResults: [],
    baseline: null,
    ...facts,
  };
}

/** A run in its first state. */
export function newRun(
  options: OtaOptions,
  statement: ReleaseStatement,
  pointer: Pointer,
  settings: OtaSettings,
): OtaRun {
  return runWith(options, {
    releaseId: statement.releaseId,
    version: statement.version,
    candidate: statement.bundle.sha256,
    from: pointer.active,
    state: "received",
    settings,
    repairs: statement.repairs,
    isHistoryWaived: pointer.active === pointer.factory && pointer.history.length === 0,
    isUnsafe: false,
  });
}

/** What forbids a release whatever it contains (rollout.md 3). */
export async function admission(parts: IntakeParts, statement: ReleaseStatement): Promise<Refusal | null> {
  const { options, slots } = parts;
  const { clock, facts } = options;
  const { sha256, length } = statement.bundle;
  if (clock.trust() !== "trusted") return refusal("clock_untrusted", 412);
  const pointer = await pointerOf(slots);
  if (pointer.active === sha256) return refusal("already_active", 409);
  const refused = await slots.refused(sha256);
  const isRecent = refused !== null && clock.wallMs() - refused.at < REFUSED_MS;
  if (pointer.bad.includes(sha256) || isRecent) {
    return refusal("already_rejected", 409, { reason: refused?.reason ?? "rolled_back" });
  }
  if (statement.version <= pointer.versionFloor) {
    return refusal("version_not_newer", 409, {
      version: statement.version,
      committed: pointer.versionFloor,
    });
  }
  const free = (await facts.freeBytes?.()) ?? null;
  if (free !== null && free < 2 * length + RELEASE_LIMITS.diskReserveBytes)
    return refusal("disk_low", 412, { free, length });
  return facts.isPowerLow?.() === true ? refusal("power_low", 412) : null;
}

/** A run that stands for the committed release, so that undoing it takes the one path there is. */
export async function runInForce(parts: IntakeParts, pointer: Pointer): Promise<OtaRun> {
  const { options, slots } = parts;
  const active = await loadStored(options, slots, pointer.active);
  const settings = active.ok
    ? settingsOf(active.release.policy, options.config)
    : await settingsInForce(parts);
  const { releaseId, version } = active.ok ? active.release.bundle : { releaseId: "unknown", version: 0 };
  return runWith(options, {
    releaseId,
    version,
    candidate: pointer.active,
    from: pointer.previous ?? pointer.factory,
    state: "committed",
    settings,
    repairs: [],
    isHistoryWaived: false,
    isUnsafe: true,
  });
}

/** The hash an operator means, null for the rule's own choice, or `rollback_target_unknown` (404). */
export async function wishedTarget(parts: IntakeParts, wish: RollbackWish): Promise<string | null | Refusal> {
  const { options, slots } = parts;
  const pointer = await pointerOf(slots);
  if (wish === "auto") return null;
  const hash = wish === "factory" ? pointer.factory : wish === "previous" ? pointer.previous : wish;
  const isKnown =
    hash !== null && (hash === pointer.factory || pointer.history.some((one) => one.hash === hash));
  const isStored = isKnown && hash !== null && (await loadStored(options, slots, hash)).ok;
  if (!isStored || hash === pointer.active)
    return refusal("rollback_target_unknown", 404, { target: hash ?? wish });
  return hash;
}
