/**
 * I13: no error is swallowed and none is unexplained; every refusal has a code, is counted and recorded (ledger.md 2,
 * evidence.md 8, vm.md 12).
 */
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import type { DeviceFacts } from "./facts.ts";
import type { FaultClass, Invariant, InvariantContext } from "./invariant.ts";
import { payloadOf } from "./run-view.ts";

/** Error lines that a sound daemon writes, by what must have happened to it. Every other error line is a finding. */
const EXPECTED: Readonly<Record<string, readonly FaultClass[]>> = {
  ask_probe_failed: ["bus", "line", "disk"],
  binding_failed: ["bus", "line"],
  cas_corrupt: ["disk"],
  command_failed: ["disk", "bus", "line", "power", "process"],
  command_reply_failed: ["disk", "process", "power"],
  command_reply_unsent: ["disk", "link", "broker", "adversary"],
  command_unrecorded: ["disk"],
  inbound_failed: ["disk", "adversary"],
  inbound_rejected_unrecorded: ["disk", "process"],
  last_checkpoint_failed: ["disk", "process"],
  ledger_append_failed: ["disk", "process"],
  ledger_check_failed: ["disk", "process"],
  ledger_checkpoint_failed: ["disk", "process"],
  ledger_commit_failed: ["disk"],
  ledger_epoch: ["disk"],
  ledger_repaired: ["disk"],
  ledger_rollup_failed: ["disk"],
  mqtt_subscription_refused: ["broker"],
  ota_run_unreadable: ["disk"],
  ota_release_unusable: ["disk"],
  // The test of the target runs its programs on the sensors as they are.
  ota_rollback_target_failed: ["disk", "bus", "line"],
  ota_step_failed: ["disk", "power", "process"],
  ota_stopped: ["disk", "power", "process"],
  ota_offer_failed: ["disk", "adversary"],
  outbox_dead: ["broker"],
  outbox_gap_unreported: ["disk", "link", "broker"],
  outbox_store_failed: ["disk"],
  retention_failed: ["disk", "process"],
  run_failed: ["disk"],
  stop_failed: ["disk", "bus", "line"],
  storage_look_failed: ["disk", "process"],
  storage_relief_failed: ["disk", "process"],
  store_corrupt: ["disk"],
};
const CODE = /^[a-z][a-z0-9_]{1,63}$/;
/** Notes of one run that reach the ledger; the last one counts the rest. */
const NOTES = 32;

type Say = (what: string, details: JsonObject) => void;

/**
 * A release whose own programs fail does not pass its dry runs, and is no target of a rollback (rollout.md 9). They fail
 * in live runs too, or failed the candidate in the same way before.
 */
const isOwnFailure = (event: string, fields: Json, { runs, entries }: DeviceFacts): boolean =>
  event === "ota_rollback_target_failed" &&
  isJsonObject(fields) &&
  fields.problem === "self_test" &&
  (runs.some(({ state }) => state === "failed" || state === "cut") ||
    entries.some(
      ({ entry: { event: told } }) => told.kind === "policy_rolling_back" && told.data.reason === "self_test",
    ));

function checkLog({ faults }: InvariantContext, facts: DeviceFacts, say: Say): void {
  for (const { level, event, fields } of facts.device.log) {
    if (level !== "error" || isOwnFailure(event, fields, facts)) continue;
    const classes = EXPECTED[event] ?? [];
    if (classes.some((name) => faults.has(name))) continue;
    say(`The daemon logged the error ${event} that no fault of the scenario explains.`, { event, fields });
  }
}

interface Recorded {
  /** `guard_refused` entries by run and effect. */
  readonly refusals: ReadonlyMap<string, number>;
  readonly notes: ReadonlyMap<string, number>;
}

function recorded({ entries }: DeviceFacts): Recorded {
  const refusals = new Map<string, number>();
  const notes = new Map<string, number>();
  for (const { entry } of entries) {
    const { kind, data, runId } = entry.event;
    if ((kind !== "guard_refused" && kind !== "fallback_used") || runId === undefined) continue;
    notes.set(runId, (notes.get(runId) ?? 0) + 1);
    if (kind !== "guard_refused") continue;
    const key = `${runId} ${String(data.effect)} ${String(data.output ?? "")}`;
    refusals.set(key, (refusals.get(key) ?? 0) + 1);
  }
  return { refusals, notes };
}

const isCode = (value: unknown): boolean => typeof value === "string" && CODE.test(value);
const outputOf = (args: Json): string =>
  isJsonObject(args) && typeof args.output === "string" ? args.output : "";

/** Refused calls of a run, each typed; those of outputs by what names them in the ledger. */
function checkCalls(run: RunRecord, { refusals, notes }: Recorded, say: Say): void {
  const { runId, journal, metrics } = run;
  if (!Array.isArray(journal)) return;
  const wanted = new Map<string, number>();
  let failures = 0;
  for (const entry of journal) {
    if (entry.t !== "call" || entry.ok) continue;
    failures++;
    const { capability, args, error } = entry;
    if (!isCode(error?.code) || !isCode(error?.reason) || typeof error?.status !== "number")
      say("A call was refused without a code.", { runId, capability, error: { ...error } });
    if (error?.status !== 412 || outputOf(args) === "") continue;
    const key = `${runId} ${capability} ${outputOf(args)}`;
    wanted.set(key, (wanted.get(key) ?? 0) + 1);
  }
  if (metrics.refusals < failures)
    say("A refused call was not counted.", { runId, failures, refusals: metrics.refusals });
  const isCut = (notes.get(runId) ?? 0) >= NOTES - 1;
  for (const [key, count] of wanted)
    if ((refusals.get(key) ?? 0) < count && !isCut)
      say("A refused effect has no entry in the ledger.", {
        runId,
        effect: key.slice(runId.length + 1),
        refused: count,
      });
}

/** Runs that came to nothing say why. */
function checkEnds(run: RunRecord, { refusals, notes }: Recorded, say: Say): void {
  const { runId, state, release, outcome } = run;
  if ((state === "failed" || state === "cut") && !isCode(outcome.error?.code))
    say("A failed run names no error.", { runId, state });
  if (!release.ok && (!isCode(release.reason) || release.status < 400))
    say("A reply was refused without a reason.", { runId, reason: release.reason, status: release.status });
  if (release.ok && release.status >= 500)
    say("A fault was released as an answer.", { runId, status: release.status });
  const isCut = (notes.get(runId) ?? 0) >= NOTES - 1;
  if (state === "refused" && !isCut && !refusals.has(`${runId} RESPOND `))
    say("A refused reply has no entry in the ledger.", { runId });
  if (!release.ok && (state === "halted" || state === "responded"))
    say("A run that was refused counts as done.", { runId, state });
}

/** The guard's own refusals stand in the run's record as refused calls or as a refused reply. */
async function checkDecisions(facts: DeviceFacts, run: RunRecord, say: Say): Promise<void> {
  const { runId, metrics, release } = run;
  const refused = (await facts.evidenceOf(runId)).filter(
    (row) => row.body.kind === "guard_decision" && payloadOf(row).ok === false,
  );
  for (const row of refused)
    if (!isCode(payloadOf(row).reason))
      say("The guard refused without a reason.", { runId, evidence: row.id });
  const effects = refused.filter((row) => payloadOf(row).effect !== "RESPOND").length;
  if (effects > metrics.refusals)
    say("The guard refused more than the run was told.", {
      runId,
      decisions: effects,
      refusals: metrics.refusals,
    });
  const isReplyRefused = refused.length > effects;
  if (isReplyRefused && release.ok) say("A reply was released that the guard refused.", { runId });
}

/** Entries of refusals and of commands that failed name their code. */
function checkEntries({ entries }: DeviceFacts, say: Say): void {
  for (const { index, entry } of entries) {
    const { kind, data } = entry.event;
    const isRefusal = kind === "guard_refused" || kind === "inbound_rejected" || kind === "fallback_used";
    // Gossip calls it a code (docs/sync.md), everybody else a reason.
    if (isRefusal && !isCode(data.reason ?? data.code))
      say("An entry records a refusal without a reason.", { index, kind });
    if (kind === "command" && !isCode(data.code))
      say("An entry records a command without a code.", { index, kind });
    if (kind === "policy_rejected" && typeof data.reason !== "string")
      say("An entry records a rejected release without a reason.", { index, kind });
  }
}

/** Receipts that refuse name a code and a status that says so. */
function checkReceipts({ operators }: InvariantContext, { device }: DeviceFacts, say: Say): void {
  for (const { receipts } of operators) {
    for (const { device: from, receipt, atUs } of receipts) {
      if (from !== device.deviceId) continue;
      const { outcome, code, status, commandId } = receipt;
      const isRefusal = outcome === "refused" || outcome === "interrupted";
      if (!isCode(code) || isRefusal !== status >= 400)
        say("A receipt's code, status and outcome do not fit together.", {
          commandId,
          outcome,
          code,
          status,
          atUs,
        });
    }
  }
}

/** What happened outside of any event, or was thrown where nobody caught it. */
function checkTrace({ device }: DeviceFacts, say: Say): void {
  for (const { trace, number } of device.lives) {
    const bad = trace.find(({ kind }) => kind === "effect_outside_event" || kind === "unhandled_rejection");
    if (bad !== undefined)
      say(`The run shows ${bad.kind}.`, { life: number, atUs: bad.atUs, data: bad.data ?? null });
  }
}

export const errorInvariant: Invariant = {
  id: "I13",
  async check(context) {
    for (const facts of context.facts) {
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I13", what, actor, details });
      checkLog(context, facts, say);
      checkTrace(facts, say);
      checkEntries(facts, say);
      checkReceipts(context, facts, say);
      const ledger = recorded(facts);
      const isWhole = (facts.entries[0]?.index ?? 0) === 0 && facts.device.isDiskHonest;
      for (const run of facts.runs) {
        if (isWhole) checkCalls(run, ledger, say);
        if (isWhole) checkEnds(run, ledger, say);
      }
      for (const run of facts.sample) await checkDecisions(facts, run, say);
    }
  },
};
