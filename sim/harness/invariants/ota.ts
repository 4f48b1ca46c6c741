/**
 * I9: updates take only the arrows of rollout.md 2, and what runs is what the ledger says is in force: the first release,
 * one on trial, or one that was committed.
 */
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";

/** rollout.md 2 and 2.1: a restart on trial goes back to `active`, results that have grown old are redone. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "": ["received"],
  received: ["verified", "rejected"],
  verified: ["planned", "rejected"],
  planned: ["gated", "rejected", "planned"],
  gated: ["shadowed", "rejected", "planned"],
  shadowed: ["active", "rejected", "planned"],
  active: ["self_test", "rolling_back", "active"],
  self_test: ["probe", "rolling_back", "active"],
  probe: ["canary", "rolling_back", "active"],
  canary: ["committed", "rolling_back", "active"],
  committed: ["rolling_back"],
  rolling_back: ["rolled_back", "safe_mode"],
  safe_mode: ["rolled_back", "safe_mode"],
  rolled_back: [],
  rejected: [],
};
const MAX_TRIAL_RESTARTS = 2;

type Say = (what: string, details: JsonObject) => void;

/** The state that an entry of an update enters; null for every other entry. */
function stateOf(kind: string, data: JsonObject): string | null {
  if (kind === "safe_mode_enter") return typeof data.runId === "string" ? "safe_mode" : null;
  const state = kind.startsWith("policy_") ? kind.slice("policy_".length) : "";
  return state !== "" && state in ARROWS && typeof data.runId === "string" ? state : null;
}

/** A release that was rejected before it began has only its last entry. */
const isRefusedOffer = (before: string, state: string): boolean => before === "" && state === "rejected";

function checkArrows({ entries }: DeviceFacts, say: Say): void {
  const states = new Map<string, string>();
  const restarts = new Map<string, number>();
  if ((entries[0]?.index ?? 0) > 0) return;
  for (const { index, entry } of entries) {
    const { kind, data } = entry.event;
    const state = stateOf(kind, data);
    if (state === null) continue;
    const run = String(data.runId);
    const before = states.get(run) ?? "";
    states.set(run, state);
    if (!isRefusedOffer(before, state) && ARROWS[before]?.includes(state) !== true)
      say("An update took an arrow that does not exist.", { run, from: before, to: state, index });
    if (state !== "active" || before === "shadowed") continue;
    const count = (restarts.get(run) ?? 0) + 1;
    restarts.set(run, count);
    if (count > MAX_TRIAL_RESTARTS) say("A trial was restarted too often.", { run, restarts: count, index });
  }
  const open = [...states].filter(([, state]) => !["rejected", "rolled_back", "committed"].includes(state));
  if (open.length > 1) say("Two updates are under way at once.", { runs: open.map(([run]) => run) });
}

/** Policies that may judge runs from an entry on. */
function inForceAfter(
  state: string,
  data: JsonObject,
  before: ReadonlySet<string | null>,
  policyOf: (release: unknown) => string | null,
): ReadonlySet<string | null> {
  const candidate = policyOf(data.candidate);
  switch (state) {
    // The old one's last runs settle while the new one begins.
    case "active":
      return new Set([...before, candidate]);
    case "committed":
      return new Set([candidate]);
    case "rolling_back":
      return new Set([...before, candidate, policyOf(data.to), policyOf(data.from)]);
    case "rolled_back":
      return new Set([policyOf(data.to)]);
    default:
      return before;
  }
}

/** Every run ran under a policy that was in force when it settled. */
function checkRuns(
  { entries, factory, policyOfRelease, policies }: DeviceFacts,
  say: Say,
  policyOfRun: (runId: string) => string | null,
): void {
  if ((entries[0]?.index ?? 0) > 0) return;
  const policyOf = (release: unknown): string | null =>
    typeof release === "string" ? (policyOfRelease.get(release) ?? null) : null;
  let inForce: ReadonlySet<string | null> = new Set([factory.policyHash]);
  for (const { index, entry } of entries) {
    const { kind, data, runId } = entry.event;
    const state = stateOf(kind, data);
    if (state !== null) inForce = inForceAfter(state, data, inForce, policyOf);
    if (typeof data.policyHash !== "string") continue;
    if (kind === "run_rollup" && !inForce.has(data.policyHash) && !inForce.has(null))
      say("Runs were judged by a policy that was not in force.", { policyHash: data.policyHash, index });
    if (kind !== "run" || runId === undefined) continue;
    // A release that is no longer stored cannot be told from another one.
    const isUnknown = inForce.has(null) && !policies.has(data.policyHash);
    if (!inForce.has(data.policyHash) && !isUnknown)
      say("A run was judged by a policy that was not in force.", {
        runId,
        policyHash: data.policyHash,
        index,
      });
    const recorded = policyOfRun(runId);
    if (recorded !== null && recorded !== data.policyHash)
      say("A run's record names another policy than its entry.", {
        runId,
        recorded,
        entry: data.policyHash,
        index,
      });
  }
}

/** The pointer names a release that is stored and that was committed, is on trial, or is the factory's. */
async function checkPointer({ store, entries }: DeviceFacts, say: Say): Promise<void> {
  const row = await store.get("policy", "pointer");
  const pointer = row === undefined ? null : decodeCbor(row);
  if (!isJsonObject(pointer) || (entries[0]?.index ?? 0) > 0) return;
  const { active, factory, slot, lastKnownGood } = pointer;
  if ((await store.get("policy", `release/${String(active)}`)) === undefined)
    say("The pointer names a release that is not stored.", { active: active ?? null });
  const good = new Set<string>([String(factory)]);
  const tried = new Set<string>();
  for (const { entry } of entries) {
    const { kind, data } = entry.event;
    if (kind === "policy_committed") good.add(String(data.candidate));
    if (kind === "policy_active") tried.add(String(data.candidate));
  }
  if (slot === "committed" && !good.has(String(active)))
    say("The release in force counts as committed and never was.", { active: active ?? null });
  if (slot === "trial" && !tried.has(String(active)) && !good.has(String(active)))
    say("The release in force is on trial and was never activated.", { active: active ?? null });
  if (!good.has(String(lastKnownGood)))
    say("The last known good release was never committed.", { lastKnownGood: lastKnownGood ?? null });
}

export const otaInvariant: Invariant = {
  id: "I9",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I9", what, actor, details });
      if (facts.epoch > 0) continue;
      checkArrows(facts, say);
      checkRuns(facts, say, (runId) => facts.runsById.get(runId)?.policyHash ?? null);
      await checkPointer(facts, say);
    }
  },
};
