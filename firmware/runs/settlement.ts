/** Turns a finished run into one atomic commit: its record, evidence, staged writes and its ledger entries. */
import { toHex } from "../core/bytes.ts";
import type { JsonObject } from "../core/json.ts";
import { LEDGER_LIMITS, RUN_LIMITS } from "../core/limits.ts";
import { evidenceRoot } from "../ledger/index.ts";
import type { CommitUnit, LedgerEvent, Severity } from "../ledger/types.ts";
import type { StoreOp } from "../ports/store.ts";
import type { FullRunRecord, StagedShare } from "./run-store.ts";

export interface RunFacts {
  readonly record: FullRunRecord;
  /** Evidence ids in order of `seq`. */
  readonly evidence: readonly string[];
  /** Entries of what happened inside the run: refusals, safe states. */
  readonly events: readonly LedgerEvent[];
  /** Everything else that becomes durable with it. */
  readonly ops: readonly StoreOp[];
}

/** The status that the run's ledger entry names: the reply's, or that of the error. */
export const statusOf = (record: FullRunRecord): number =>
  record.release.ok ? record.outcome.status : record.release.status;

function severityOf(record: FullRunRecord): Severity {
  if (record.state === "failed" || record.state === "cut") return "warn";
  return record.state === "refused" ? "warn" : "info";
}

/** The ledger entry `run` (ledger.md 2). */
export function runEvent({ record, evidence }: RunFacts): LedgerEvent {
  const { program, outcome, metrics } = record;
  const error = outcome.error ? { error: { ...outcome.error } } : {};
  const data: JsonObject = {
    programId: program.name,
    programHash: program.programHash,
    policyHash: record.policyHash,
    trigger: record.trigger,
    inputHash: record.inputHash,
    outputHash: record.outputHash,
    status: statusOf(record),
    steps: metrics.cpuSteps,
    wallMs: metrics.wallMs,
    evidenceRoot: toHex(evidenceRoot(evidence)),
    evidenceCount: evidence.length,
    effects: outcome.effects
      .slice(0, RUN_LIMITS.settledEffects)
      .map(({ capability, args, outcome: result }) => {
        const output = (args as JsonObject | null)?.output;
        return { capability, output: typeof output === "string" ? output : null, outcome: result };
      }),
    ...(record.safeStates.length > 0 ? { safeStates: [...record.safeStates] } : {}),
    ...error,
  };
  return {
    kind: "run",
    actor: record.subject,
    severity: severityOf(record),
    data,
    runId: record.runId,
    ...(evidence.length > 0 ? { refs: evidence.slice(0, LEDGER_LIMITS.refs) } : {}),
  };
}

/** A run without an entry of its own: its record, and its share in a rollup. */
export function sharedSettlement({ ops }: RunFacts, staged: StagedShare): CommitUnit {
  return { events: [], ops: [...ops, ...staged.ops], share: staged.share };
}

/** Refusals come before the run's own entry: that is the order in which they happened. */
export function settlement(facts: RunFacts, recordOps: readonly StoreOp[]): CommitUnit {
  return { events: [...facts.events, runEvent(facts)], ops: [...facts.ops, ...recordOps] };
}
