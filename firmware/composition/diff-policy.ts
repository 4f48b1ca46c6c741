/**
 * Where another policy's decisions part from those a recorded run met: the start, every call, the reply, and the limits.
 * Judged from the recorded evidence at the recorded times; what the record does not hold is said as unrecorded.
 */
import { canonicalize } from "../core/canonical-json.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { CompiledPolicy } from "../policy/index.ts";
import { schemaCheck } from "../runs/index.ts";
import {
  type CapabilityView,
  type Limits,
  replay,
  type VerifiedProgram,
  verifyProgram,
} from "../vm/index.ts";
import { looser, struckAt } from "./diff-bounds.ts";
import type { JudgeParts } from "./diff-gate.ts";
import { limitChanges } from "./diff-limits.ts";
import {
  ALLOW,
  type CallVerdict,
  type Judged,
  judgeRun,
  unrecordedAt,
  type Verdict,
  verdictJson,
} from "./diff-verdicts.ts";
import type { ExportedRun } from "./state-export.ts";
import { plainJson } from "./state-params.ts";

export interface PolicyDifference {
  readonly what: "start" | "call" | "release" | "limit" | "rate";
  /** Number of the call in the journal; null for what is no call. */
  readonly call: number | null;
  /** Capability or limit. */
  readonly name: string | null;
  readonly args: Json;
  /** Wall ms of the decision, null if it left no evidence. */
  readonly atMs: number | null;
  readonly recorded: Verdict;
  readonly given: Verdict;
  /** For a limit: what it was, what it would be, what the run used. */
  readonly figures: JsonObject | null;
}

export interface PolicyDiff {
  readonly kind: "policy";
  readonly verdict: "same" | "differs" | "cannot_compare";
  /** Why it cannot be compared, null if it can. */
  readonly code: string | null;
  readonly runId: string;
  /** `judged`: what the recorded policy says when asked again; `record`: only what the record says of it. */
  readonly basis: "judged" | "record";
  /** Null if the recorded policy is at hand, else `policy_not_recorded`. */
  readonly missing: "policy_not_recorded" | null;
  readonly recorded: JsonObject;
  readonly given: JsonObject;
  readonly judged: { readonly calls: number; readonly release: boolean };
  readonly differences: readonly PolicyDifference[];
  readonly unrecorded: readonly PolicyDifference[];
}

export interface PolicyDiffParts {
  readonly run: ExportedRun;
  readonly view: CapabilityView;
  /** The policy of the run; null if it is not at hand. */
  readonly recorded: CompiledPolicy | null;
  readonly given: CompiledPolicy;
  readonly judge: JudgeParts;
}

/** Refusals that follow from policy and call alone. */
const DECIDED = new Set([
  "policy_denied",
  "consent_required",
  "not_in_allowlist",
  "capability_disabled",
  "permission_denied",
  "output_undeclared",
  "output_mismatch",
  "contract_violation",
  "unknown_capability",
]);
/** Refusals that depend on the moment: other runs, the operator, the hardware. */
const OF_THE_MOMENT = new Set([
  "rate_exceeded",
  "rate_limited",
  "exceeds_burst",
  "value_out_of_range",
  "concurrency_exceeded",
  "target_busy",
  "quarantined",
  "boot_not_locked",
  "budget_exceeded",
  "resource_required",
  "quota_exceeded",
]);

const isSame = (a: Verdict, b: Verdict): boolean =>
  canonicalize(verdictJson(a)) === canonicalize(verdictJson(b));

/** What the record says of a call: a driver that failed was asked after everything had been allowed. */
function ofRecord({ entry, guard }: CallVerdict): Verdict {
  const { ok, error } = entry;
  if (ok || error === undefined) return ALLOW;
  const { code, reason } = error;
  if (DECIDED.has(code) || OF_THE_MOMENT.has(code) || guard?.outcome === "deny" || error.status === 412)
    return { outcome: "deny", step: null, code, reason };
  return ALLOW;
}

/** A consent that was given holds while the rule that asks for it stays as it is. */
function withGrant<T extends Verdict & { readonly ruleHash: string | null }>(
  verdict: T,
  went: boolean,
  granted: string | null,
): Verdict {
  const isGranted = went && verdict.code === "consent_required" && verdict.ruleHash === granted;
  return isGranted ? ALLOW : verdict;
}

interface Pair {
  readonly recorded: Verdict;
  readonly given: Verdict;
}

function pairOf(given: CallVerdict, own: CallVerdict | null): Pair {
  const record = ofRecord(given);
  if (own === null) {
    // Without the recorded policy its steps have no names; refusals are compared by code and reason.
    const sameCode = record.code === given.code && record.reason === given.reason;
    if (record.outcome === "deny" && given.outcome === "deny" && sameCode) return { recorded: given, given };
    const ofMoment =
      record.outcome === "deny" && !DECIDED.has(record.code ?? "") && given.outcome === "allow";
    return { recorded: record, given: ofMoment ? unrecordedAt("moment") : given };
  }
  const granted = own.code === "consent_required" ? own.ruleHash : null;
  const base = withGrant(own, given.entry.ok, granted);
  const now = withGrant(given, given.entry.ok, granted);
  const ofMoment = base.outcome === "allow" && now.outcome === "allow" && record.outcome === "deny";
  const isBound = canonicalize(plainJson(own.bounds)) === canonicalize(plainJson(given.bounds));
  if (ofMoment && !isBound) return { recorded: record, given: unrecordedAt("moment") };
  return { recorded: base, given: now };
}

/** A record that its own policy does not reproduce proves nothing about another one. */
function contradiction(own: Judged, run: ExportedRun): boolean {
  const { release, state } = run.record;
  const calls = own.calls.some(
    (call) => call.entry.ok && call.outcome === "deny" && call.code !== "consent_required",
  );
  const isReleased = state === "responded";
  const reply = own.release;
  const differs =
    reply !== null && reply.outcome !== "unrecorded" && (reply.outcome === "allow") !== isReleased;
  const reason = reply?.outcome === "deny" && !isReleased && reply.reason !== release.reason;
  return calls || differs || reason;
}

const row = (
  what: PolicyDifference["what"],
  pair: Pair,
  more: Partial<Pick<PolicyDifference, "call" | "name" | "args" | "atMs" | "figures">> = {},
): PolicyDifference => ({
  what,
  call: null,
  name: null,
  args: null,
  atMs: null,
  figures: null,
  ...more,
  recorded: pair.recorded,
  given: pair.given,
});

function callRows(own: Judged | null, given: Judged): readonly PolicyDifference[] {
  const rows: PolicyDifference[] = [];
  const struck = struckAt(given.calls);
  for (const [i, call] of given.calls.entries()) {
    const mine = own?.calls[i] ?? null;
    const { number, entry, atMs } = call;
    const more = { call: number, name: entry.capability, args: entry.args, atMs };
    const pair = pairOf(call, mine);
    if (!isSame(pair.recorded, pair.given)) rows.push(row("call", pair, more));
    else if (
      pair.given.outcome === "allow" &&
      call.bounds !== null &&
      !looser(call.bounds, mine?.bounds ?? null)
    ) {
      const rate = "rate_exceeded";
      const verdict: Verdict = struck.has(number)
        ? { outcome: "deny", step: "policy", code: rate, reason: rate }
        : unrecordedAt("rate");
      const figures = plainJson({ recorded: mine?.bounds ?? null, given: call.bounds });
      rows.push(
        row(
          "rate",
          { recorded: ALLOW, given: verdict },
          { ...more, figures: isJsonObject(figures) ? figures : null },
        ),
      );
    }
  }
  return rows;
}

/** Limits of the run that another policy sets otherwise, where that decides something. */
const limitRows = (
  run: ExportedRun,
  program: VerifiedProgram,
  limits: Limits | null,
): readonly PolicyDifference[] =>
  limits === null
    ? []
    : limitChanges(run, program, limits).map(({ name, recorded, given, figures }) =>
        row("limit", { recorded, given }, { name, figures }),
      );

function startRow(own: Judged | null, given: Judged): readonly PolicyDifference[] {
  const granted = own?.start.code === "consent_required" ? own.start.ruleHash : null;
  const now = withGrant(given.start, own !== null, granted);
  return isSame(ALLOW, now) ? [] : [row("start", { recorded: ALLOW, given: now })];
}

function releaseRow(own: Judged | null, given: Judged, { record }: ExportedRun): readonly PolicyDifference[] {
  if (given.release === null) return [];
  const { ok, reason } = record.release;
  const said: Verdict = ok ? ALLOW : { outcome: "deny", step: "release", code: reason, reason };
  const recorded = own?.release ?? said;
  return isSame(recorded, given.release) ? [] : [row("release", { recorded, given: given.release })];
}

const nameOf = ({ id, version, policyHash }: CompiledPolicy): JsonObject => ({ id, version, policyHash });

/** Both sides are asked in the same way; nothing of the run is repeated outside the machine. */
export async function diffPolicy(parts: PolicyDiffParts): Promise<PolicyDiff> {
  const { run, view, recorded, given, judge } = parts;
  const { record } = run;
  const base: PolicyDiff = {
    kind: "policy",
    verdict: "same",
    code: null,
    runId: record.runId,
    basis: recorded === null ? "record" : "judged",
    missing: recorded === null ? "policy_not_recorded" : null,
    recorded: recorded === null ? { policyHash: record.policyHash } : nameOf(recorded),
    given: nameOf(given),
    judged: { calls: 0, release: false },
    differences: [],
    unrecorded: [],
  };
  const refused = (code: string): PolicyDiff => ({ ...base, verdict: "cannot_compare", code });
  const replayed = replay(plainJson(run.program), record, { view, checkSchema: schemaCheck });
  if (!replayed.ok) return refused(replayed.code);
  const program = verifyProgram(plainJson(run.program), view);
  if (!program.ok) return refused("program_invalid");
  const own = recorded === null ? null : await judgeRun(run, program, recorded, judge);
  if (own !== null && contradiction(own, run)) return refused("replay_mismatch");
  const theirs = await judgeRun(run, program, given, judge);
  const rows = [
    ...startRow(own, theirs),
    ...callRows(own, theirs),
    ...releaseRow(own, theirs, run),
    ...limitRows(run, program, theirs.limits),
  ];
  const isOpen = ({ given: now }: PolicyDifference): boolean => now.outcome === "unrecorded";
  const differences = rows.filter((one) => !isOpen(one));
  const unrecorded = rows.filter(isOpen);
  const verdict = differences.length > 0 ? "differs" : unrecorded.length > 0 ? "cannot_compare" : "same";
  return {
    ...base,
    verdict,
    code: verdict === "cannot_compare" ? "replay_missing_input" : null,
    judged: { calls: theirs.calls.length, release: theirs.release !== null },
    differences,
    unrecorded,
  };
}
