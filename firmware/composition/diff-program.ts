/**
 * Where another program's decisions part from those of a recorded run (vm.md 11, Shadow): nothing is executed, every
 * answer comes from the record. What the record cannot answer is said as unrecorded.
 */
import { canonicalize } from "../core/canonical-json.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { type CompiledPolicy, subjectStatement } from "../policy/index.ts";
import { schemaCheck, subjectIn } from "../runs/index.ts";
import {
  type CapabilityView,
  effectiveLimits,
  type Limits,
  type MachineResult,
  type ProgramDocument,
  replay,
  shadowRun,
  type VerifiedProgram,
  verifyProgram,
} from "../vm/index.ts";
import { align, type Line } from "./diff-align.ts";
import { callKey, type Followed, follow, type MadeCall, type Place } from "./diff-calls.ts";
import { limitOf } from "./diff-limits.ts";
import type { ExportedRun } from "./state-export.ts";
import { plainJson } from "./state-params.ts";

/** One side of a difference. */
export interface Side {
  /** Number of the call; null for what is no call. */
  readonly call: number | null;
  readonly value: Json;
  readonly at: Place | null;
}

export interface ProgramDifference {
  readonly what: "call" | "effect" | "claim" | "end" | "status" | "body" | "error";
  /** Id of a claim, capability of a call. */
  readonly name: string | null;
  readonly task: number | null;
  /** Null: this side does not have it. */
  readonly recorded: Side | null;
  readonly other: Side | null;
}

export interface Unrecorded {
  readonly what: "call" | "limit" | "cut";
  readonly name: string;
  readonly args: Json;
}

export interface ProgramDiff {
  readonly kind: "program";
  readonly verdict: "same" | "differs" | "cannot_compare";
  /** Why it cannot be compared, null if it can. */
  readonly code: string | null;
  readonly runId: string;
  readonly recorded: JsonObject;
  readonly other: JsonObject;
  /** In order; the first is where they part. */
  readonly differences: readonly ProgramDifference[];
  /** The last instruction of each that ran before its end, null if that is not known. */
  readonly ends: { readonly recorded: Place | null; readonly other: Place | null };
  readonly costs: JsonObject | null;
  readonly unrecorded: readonly Unrecorded[];
}

export interface ProgramDiffParts {
  readonly run: ExportedRun;
  readonly other: VerifiedProgram;
  readonly view: CapabilityView;
  /** The policy of the run, for its limits; null if it is not at hand. */
  readonly policy: CompiledPolicy | null;
}

/** The record has no answer to this call, so nothing after it is known. */
const isMissing = ({ ok, error }: MadeCall["entry"]): boolean =>
  !ok && error?.code === "replay_missing_input";

/** The limits the other program would have had. Without the policy, those of the record bound what it states. */
function limitsFor({ run, other, policy }: ProgramDiffParts): Limits {
  const { record } = run;
  const document = other.document.limits;
  if (policy === null) return effectiveLimits({ tier: record.tier, policy: record.limits, document });
  const rights = subjectIn(policy, record.subject);
  return effectiveLimits({
    tier: record.tier,
    policy: { ...policy.limits, claims: policy.replyRequirement.maxClaims },
    subject: rights ? subjectStatement(rights).limits : null,
    document,
  });
}

/** A limit that only the recorded program had stated: what held without it is not in the record. */
function isOwnLimit(name: keyof Limits, { run, other, policy }: ProgramDiffParts): boolean {
  const own = run.program.limits?.[name];
  const stated = other.document.limits?.[name] ?? Number.MAX_SAFE_INTEGER;
  return policy === null && own === run.record.limits[name] && stated > own;
}

function sideOf({ number, at, entry }: MadeCall): Side {
  const answer = isMissing(entry) ? { unrecorded: true } : { refused: entry.error?.code ?? null };
  return { call: number, value: plainJson({ args: entry.args, ...(entry.ok ? {} : answer) }), at };
}

function callDifference(recorded: MadeCall | null, other: MadeCall | null): ProgramDifference | null {
  const one = other ?? recorded;
  if (one === null) return null;
  return {
    what: one.acts ? "effect" : "call",
    name: one.entry.capability,
    task: one.task,
    recorded: recorded && sideOf(recorded),
    other: other && sideOf(other),
  };
}

/** Calls that stand alone on both sides at the same place are one changed call if they ask the same capability. */
function blockDifferences(left: readonly MadeCall[], right: readonly MadeCall[], isOpen: boolean) {
  const rest = [...left];
  const found: (ProgramDifference | null)[] = right.map((call) => {
    const i = rest.findIndex(({ entry }) => entry.capability === call.entry.capability);
    return callDifference(i < 0 ? null : (rest.splice(i, 1)[0] ?? null), call);
  });
  // After a call that the record cannot answer, what the other program would still have asked is not known.
  if (!isOpen) found.push(...rest.map((call) => callDifference(call, null)));
  return found.filter((row) => row !== null);
}

function taskDifferences(left: readonly MadeCall[], right: readonly MadeCall[], isOpen: boolean) {
  const keys = (calls: readonly MadeCall[]): string[] => calls.map(({ entry }) => callKey(entry));
  const found: ProgramDifference[] = [];
  let [removed, added]: [MadeCall[], MadeCall[]] = [[], []];
  const close = (isLast: boolean): void => {
    found.push(...blockDifferences(removed, added, isLast && isOpen));
    [removed, added] = [[], []];
  };
  const take = ({ left: i, right: j }: Line): void => {
    const [one, other] = [i === null ? undefined : left[i], j === null ? undefined : right[j]];
    if (one !== undefined && other !== undefined) close(false);
    else if (one !== undefined) removed.push(one);
    else if (other !== undefined) added.push(other);
  };
  for (const line of align(keys(left), keys(right))) take(line);
  close(true);
  return found;
}

const numberOf = ({ recorded, other }: ProgramDifference): number =>
  Math.min(recorded?.call ?? Number.MAX_SAFE_INTEGER, other?.call ?? Number.MAX_SAFE_INTEGER);

/** Task by task: how tasks of a run interleave depends on how long answers took. */
function callDifferences(left: readonly MadeCall[], right: readonly MadeCall[], isOpen: boolean) {
  const tasks = new Set([...left, ...right].map(({ task }) => task));
  const of = (calls: readonly MadeCall[], task: number) => calls.filter((call) => call.task === task);
  return [...tasks]
    .flatMap((task) => taskDifferences(of(left, task), of(right, task), isOpen))
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function endDifferences(recorded: Followed, other: Followed): readonly ProgramDifference[] {
  const [one, two] = [recorded.result, other.result];
  const claims = (result: MachineResult) => new Map(result.outcome.claims.map((claim) => [claim.id, claim]));
  const [mine, theirs] = [claims(one), claims(two)];
  const pairs: (readonly [ProgramDifference["what"], string | null, unknown, unknown])[] = [
    ...[...new Set([...mine.keys(), ...theirs.keys()])].map(
      (id) => ["claim", id, mine.get(id), theirs.get(id)] as const,
    ),
    ["end", null, one.ended, two.ended],
    ["status", null, one.status, two.status],
    ["body", null, one.outcome.body, two.outcome.body],
    ["error", null, one.outcome.error, two.outcome.error],
  ];
  const side = (value: unknown, at: Place | null): Side | null =>
    value === undefined ? null : { call: null, value: plainJson(value), at };
  return pairs
    .filter(([, , a, b]) => canonicalize(plainJson(a ?? null)) !== canonicalize(plainJson(b ?? null)))
    .map(([what, name, a, b]) => ({
      what,
      name,
      task: null,
      recorded: side(a, recorded.result.error?.at ?? recorded.end),
      other: side(b, other.result.error?.at ?? other.end),
    }));
}

const costsOf = ({ metrics: mine }: MachineResult, { metrics: theirs }: MachineResult): JsonObject => ({
  steps: { recorded: mine.cpuSteps, other: theirs.cpuSteps },
  memBytes: { recorded: mine.memBytes, other: theirs.memBytes },
  calls: { recorded: mine.ioCalls, other: theirs.ioCalls },
});

const nameOf = ({ name, version }: ProgramDocument, programHash: string): JsonObject => ({
  name,
  version,
  programHash,
});

function compare(parts: ProgramDiffParts, recorded: Followed): Partial<ProgramDiff> {
  const { run, other, view } = parts;
  const { journal, payload, trigger } = run.record;
  const limits = limitsFor(parts);
  const shadow = shadowRun(other, { journal, payload, trigger, limits }, schemaCheck, "interpreter");
  const followed = follow(other, shadow.result, view);
  const missing = followed.calls.findIndex(({ entry }) => isMissing(entry));
  const isOpen = missing >= 0;
  const made = isOpen ? followed.calls.slice(0, missing + 1) : followed.calls;
  const calls = callDifferences(recorded.calls, made, isOpen);
  const quota = limitOf(shadow.result.outcome.error);
  const unrecorded: Unrecorded[] = [];
  const first = followed.calls[missing]?.entry;
  if (first !== undefined) unrecorded.push({ what: "call", name: first.capability, args: first.args });
  else if (quota !== null && isOwnLimit(quota, parts))
    unrecorded.push({ what: "limit", name: quota, args: null });
  const isWhole = unrecorded.length === 0;
  const differences = isWhole ? [...calls, ...endDifferences(recorded, followed)] : calls;
  const verdict = differences.length > 0 ? "differs" : isWhole ? "same" : "cannot_compare";
  return {
    verdict,
    code: verdict === "cannot_compare" ? "replay_missing_input" : null,
    differences,
    ends: { recorded: recorded.end, other: isWhole ? followed.end : null },
    unrecorded,
    costs: isWhole ? costsOf(recorded.result, followed.result) : null,
  };
}

/** @throws CodedError `replay_divergence` (422) if the machine contradicts itself. */
export function diffProgram(parts: ProgramDiffParts): ProgramDiff {
  const { run, other, view } = parts;
  const { record, program } = run;
  const base: ProgramDiff = {
    kind: "program",
    verdict: "same",
    code: null,
    runId: record.runId,
    recorded: nameOf(program, record.program.programHash),
    other: nameOf(other.document, other.programHash),
    differences: [],
    ends: { recorded: null, other: null },
    costs: null,
    unrecorded: [],
  };
  const refused = (code: string): ProgramDiff => ({ ...base, verdict: "cannot_compare", code });
  const own = replay(plainJson(program), record, { view, checkSchema: schemaCheck });
  if (!own.ok) return refused(own.code);
  if (other.programHash === record.program.programHash)
    return { ...base, costs: costsOf(own.result, own.result) };
  const last = record.journal.at(-1);
  if (last?.t === "cut") {
    return { ...refused("run_cut"), unrecorded: [{ what: "cut", name: last.reason, args: null }] };
  }
  const verified = verifyProgram(plainJson(program), view);
  if (!verified.ok) return refused("program_invalid");
  return { ...base, ...compare(parts, follow(verified, record, view)) };
}
