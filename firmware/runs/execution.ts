/** One admitted run from its first slice to its settlement. */
import {
  type CallFailure,
  type CapabilityGate,
  createRunContext,
  type RunContext,
  settlementOps,
} from "../capabilities/index.ts";
import type { Refusal } from "../core/errors.ts";
import { isJsonObject, type JsonObject } from "../core/json.ts";
import {
  type RequirementLayer,
  RunEvidence,
  type RunPacker,
  type Sealer,
  tighten,
} from "../evidence/index.ts";
import type { CommitUnit, EntryReceipt, LedgerEvent } from "../ledger/types.ts";
import type { CompiledPolicy, Subject } from "../policy/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { StoreOp } from "../ports/store.ts";
import {
  type CallAnswer,
  type CallRequest,
  createMachine,
  type Executor,
  type MachineResult,
  type RunScheduler,
  VM_VERSION,
} from "../vm/index.ts";
import type { Limits, RunState, Tier } from "../vm/types.ts";
import { CallLog } from "./call-log.ts";
import { schemaCheck } from "./capability-view.ts";
import { smallestTrust, withRecordedSources } from "./evidence-sink.ts";
import type { InstalledProgram, ReleaseSet } from "./program-set.ts";
import { type Reply, releaseReply } from "./reply.ts";
import type { FullRunRecord, RunStore } from "./run-store.ts";
import { type RunFacts, settlement, sharedSettlement } from "./settlement.ts";
import { type Circumstances, mayShare } from "./uneventful.ts";

/** What a run needs from the daemon around it. */
export interface ExecutionParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly deviceId: string;
  readonly simulated: boolean;
  readonly sealer: Sealer;
  readonly scheduler: RunScheduler;
  /** Who runs the programs. */
  readonly executor: Executor;
  readonly gate: CapabilityGate;
  readonly runs: RunStore;
  readonly packer: RunPacker;
  /** Drives outputs to their safe states; gives the names that were driven. */
  readonly driveSafe: (outputs: readonly string[], reason: string) => Promise<readonly string[]>;
  /** What other parts staged for this run: outbox items, shared writes, charges. */
  readonly settle: SettlePort;
  /** By which uneventful runs are told from others; without it every run has its own entry (ledger.md 8). */
  readonly circumstances?: Circumstances;
}

export interface SettlePort {
  /**
   * Makes a run durable: its unit and all that other parts have staged under its id, in one batch.
   * Rejects if the batch could not be written; then nothing of the run is durable.
   */
  commit(runId: string, unit: CommitUnit): Promise<readonly EntryReceipt[]>;
  /** Forgets what was staged, when a run ends without a settlement. */
  discard(runId: string): void;
}

export interface AdmittedRun {
  readonly runId: string;
  readonly set: ReleaseSet;
  readonly program: InstalledProgram;
  readonly subject: string;
  readonly rights: Subject;
  readonly tier: Tier;
  readonly limits: Limits;
  readonly demands: RequirementLayer;
  readonly trigger: JsonObject;
  readonly payload: JsonObject;
  /** Effects are judged and recorded but not executed, and nothing becomes durable. */
  readonly dry: boolean;
  /** Changes of the trigger's own state. */
  readonly ops: readonly StoreOp[];
}

export interface RunReport {
  readonly record: FullRunRecord;
  readonly reply: Reply;
  /** The run's own ledger entry; null for a dry run and for one that a rollup will cover. */
  readonly entry: EntryReceipt | null;
  readonly sessionTrust: number;
  readonly calls: CallLog;
}

/** A transfer reads or writes, depending on its arguments: whatever names an output may act. */
const mayAct = ({ class: kind, args }: CallRequest): boolean =>
  kind === "effect" || (isJsonObject(args) && typeof args.output === "string");

/** What became of the effects whose intent was recorded before they were made (ledger.md 2). */
const effectEvents = ({ intents, runId, subject }: RunContext): readonly LedgerEvent[] =>
  intents.map((effect) => ({
    kind: "effect_done",
    actor: subject,
    severity: effect.ok ? "info" : "warn",
    data: { ...effect },
    runId,
  }));

/** A refusal by the guard of an output whose policy says `onRefusal: abort` ends the run: no program catches it. */
function errorOf(
  { code, reason, status, details }: CallFailure,
  { args }: CallRequest,
  policy: CompiledPolicy,
): Extract<CallAnswer, { readonly ok: false }>["error"] {
  const plain = isJsonObject(details) ? details : {};
  const wanted = isJsonObject(args) ? args.output : undefined;
  const output = policy.outputs.find(({ name }) => name === wanted);
  const byGuard = status === GUARD_STATUS || code === "claim_invalid";
  if (!byGuard || output?.onRefusal !== "abort") return { code, reason, status, details: plain };
  return { code: "run_cut", reason, status: 409, details: { ...plain, output: output.name, code } };
}

/** Of every refusal by the guard but `claim_invalid` (evidence.md, conventions). */
const GUARD_STATUS = 412;
const EVIDENCE_PER_CALL = 3;
const EVIDENCE_BASE = 64;

export class RunExecution {
  readonly #parts: ExecutionParts;
  readonly #run: AdmittedRun;
  readonly #evidence: RunEvidence;
  readonly #ctx: RunContext;
  readonly #calls = new CallLog();
  readonly #startedAt: number;
  readonly #alertsBefore: number;
  #markedOpen = false;

  constructor(parts: ExecutionParts, run: AdmittedRun) {
    this.#parts = parts;
    this.#run = run;
    this.#startedAt = parts.clock.wallMs();
    this.#alertsBefore = parts.circumstances?.alerts() ?? 0;
    const { policy } = run.set;
    this.#evidence = new RunEvidence({
      runId: run.runId,
      subject: run.subject,
      deviceId: parts.deviceId,
      policyHash: policy.policyHash,
      clock: parts.clock,
      sources: run.set.sources,
      ...run.set.evidence,
      sealer: parts.sealer,
      maxPerRun: EVIDENCE_PER_CALL * run.limits.ioCalls + EVIDENCE_BASE,
    });
    this.#ctx = createRunContext({
      runId: run.runId,
      subject: run.subject,
      tier: run.tier,
      program: {
        name: run.program.document.name,
        outputs: run.program.document.outputs ?? [],
        capabilities: run.program.verified.capabilities,
      },
      policy,
      limits: run.limits,
      evidence: this.#evidence,
      // The machine has counted the call against its quota before it asks (vm.md 7).
      countCall: () => true,
      dry: run.dry,
      demands: run.demands,
    });
  }

  /** Refused only with `concurrency_exceeded`, when too many runs wait. */
  async execute(signal: AbortSignal): Promise<{ readonly ok: true; readonly report: RunReport } | Refusal> {
    const { program, payload, trigger, limits } = this.#run;
    this.#recordTrigger();
    const { scheduler, executor } = this.#parts;
    const answer = await scheduler.run(
      (inputs) =>
        createMachine(program.verified, {
          payload,
          trigger,
          limits,
          inputs,
          checkSchema: schemaCheck,
          executor,
        }),
      { call: (request, stop) => this.#call(request, stop) },
      signal,
    );
    return answer.ok ? { ok: true, report: await this.#settle(answer.result) } : answer;
  }

  #recordTrigger(): void {
    const { trigger, program } = this.#run;
    const kind =
      trigger.kind === "boot"
        ? "boot"
        : trigger.kind === "gpio" || trigger.kind === "mqtt"
          ? "event"
          : "schedule_tick";
    if (trigger.kind === "command") {
      const { commandId, name } = trigger;
      const payload = { commandId: commandId ?? null, keyid: null, scope: "command", name: name ?? null };
      this.#evidence.record({ kind: "operator_command", source: "local://commands", payload });
    } else {
      this.#evidence.record({ kind, source: "local://scheduler", payload: { trigger } });
    }
    this.#evidence.record({
      kind: "run_start",
      source: "local://runs",
      payload: { programHash: program.programHash },
    });
  }

  async #call(request: CallRequest, signal: AbortSignal): Promise<CallAnswer> {
    const { runId, program, subject, set, dry } = this.#run;
    if (mayAct(request) && !this.#markedOpen && !dry) {
      this.#markedOpen = true;
      await this.#parts.runs.markOpen({
        runId,
        program: program.document.name,
        programHash: program.programHash,
        subject,
        policyHash: set.policy.policyHash,
        startedAt: this.#startedAt,
        outputs: program.document.outputs ?? [],
      });
    }
    const before = { ...this.#ctx.counters };
    const result = await this.#parts.gate.call(this.#ctx, request.capability, request.args, signal, {
      claims: withRecordedSources(request.claims, this.#parts.simulated),
    });
    this.#calls.note(request.capability, request.args, result, mayAct(request));
    const bytes = {
      readBytes: this.#ctx.counters.readBytes - before.readBytes,
      writtenBytes: this.#ctx.counters.writtenBytes - before.writtenBytes,
      netBytes: this.#ctx.counters.netBytes - before.netBytes,
    };
    if (result.ok) return { ok: true, result: result.result, evidence: result.evidence, ...bytes };
    return { ok: false, error: errorOf(result, request, set.policy), evidence: [] };
  }

  async #settle(result: MachineResult): Promise<RunReport> {
    const { run, parts } = { run: this.#run, parts: this.#parts };
    const trace = {
      programHash: run.program.programHash,
      inputHash: result.inputHash,
      outputHash: result.outputHash,
      steps: result.metrics.cpuSteps,
      vmVersion: VM_VERSION,
    };
    const sessionTrust = this.#evidence.sessionTrust();
    const traceId = this.#evidence.record({
      kind: "vm_trace",
      source: `vm://${run.program.document.name}`,
      payload: trace,
      declaredTrust: smallestTrust(this.#evidence, this.#run.set.evidence.kinds),
    }).id;
    const reply = this.#reply(result, trace, traceId);
    const failed = result.ended === "failed" || result.ended === "cut";
    const safeStates =
      failed && !run.dry
        ? await parts.driveSafe(this.#ctx.program?.outputs ?? [], result.error?.reason ?? result.ended)
        : [];
    for (const output of safeStates) this.#calls.safeState(output, result.error?.reason ?? result.ended);
    this.#evidence.settle();
    const record = this.#record(result, reply, safeStates);
    if (run.dry) {
      parts.settle.discard(run.runId);
      return { record, reply, entry: null, sessionTrust, calls: this.#calls };
    }
    const staged = this.#evidence.stage(parts.packer);
    const facts: RunFacts = {
      record,
      evidence: record.evidence,
      events: [...this.#calls.events(run.runId, run.subject), ...effectEvents(this.#ctx)],
      ops: [...run.ops, ...staged.ops, ...settlementOps(this.#ctx)],
    };
    const shared = this.#mayShare(facts) ? parts.runs.stageShared(record) : null;
    const row = shared ?? parts.runs.stage(record);
    const unit = shared === null ? settlement(facts, row.ops) : sharedSettlement(facts, shared);
    const receipts = await parts.settle.commit(run.runId, unit);
    staged.stored();
    row.stored();
    return { record, reply, entry: receipts[receipts.length - 1] ?? null, sessionTrust, calls: this.#calls };
  }

  /** Whether a rollup may stand for the run (ledger.md 8). */
  #mayShare({ record, events }: RunFacts): boolean {
    const { circumstances } = this.#parts;
    if (circumstances === undefined) return false;
    const { set, rights, program } = this.#run;
    return mayShare(
      {
        record,
        policy: set.policy,
        rights,
        calls: this.#calls.calls,
        events: events.length,
        fallbacks: this.#calls.noted,
        alerts: circumstances.alerts() - this.#alertsBefore,
        trial: circumstances.trial(),
        outputs: program.document.outputs ?? [],
        consents: this.#ctx.counters.grants,
      },
      circumstances.ordinals.next(record),
    );
  }

  #reply(result: MachineResult, trace: Parameters<typeof releaseReply>[1]["trace"], traceId: string): Reply {
    if (result.ended === "halted") return { ok: true, status: 200, reason: null, details: {}, body: null };
    if (result.ended !== "responded") {
      const reason = result.error?.reason ?? result.ended;
      return {
        ok: false,
        status: result.error?.status ?? 500,
        reason,
        details: result.error?.details ?? {},
        body: null,
      };
    }
    const reply = releaseReply(
      this.#evidence,
      {
        status: result.outcome.status,
        body: result.outcome.body,
        claims: result.outcome.claims,
        calls: result.metrics.ioCalls,
        allowCompute: this.#run.rights.allowCompute ?? false,
        trace,
        requirement: tighten(this.#run.set.policy.replyRequirement, this.#ctx.demands),
        simulated: this.#parts.simulated,
      },
      traceId,
    );
    if (!reply.ok) this.#calls.refusedReply(reply);
    return reply;
  }

  #record(result: MachineResult, reply: Reply, safeStates: readonly string[]): FullRunRecord {
    const { run } = { run: this.#run };
    const { document, programHash } = run.program;
    const states: Readonly<Record<MachineResult["ended"], RunState>> = {
      responded: reply.ok ? "responded" : "refused",
      halted: "halted",
      failed: "failed",
      cut: "cut",
    };
    return {
      v: 1,
      runId: run.runId,
      program: { name: document.name, version: document.version, programHash },
      subject: run.subject,
      tier: run.tier,
      policyHash: run.set.policy.policyHash,
      trigger: run.trigger,
      limits: run.limits,
      startedAt: this.#startedAt,
      wallMs: result.metrics.wallMs,
      payload: run.payload,
      journal: result.journal,
      outcome: result.outcome,
      release: { ok: reply.ok, status: reply.status, reason: reply.reason },
      vmVersion: VM_VERSION,
      inputHash: result.inputHash,
      outputHash: result.outputHash,
      metrics: {
        ...result.metrics,
        refusals: this.#ctx.counters.refusals,
        phiChargedMilli: this.#ctx.counters.chargedMilli,
      },
      evidence: this.#evidence.list.map(({ id }) => id),
      safeStates: [...safeStates],
      state: states[result.ended],
      ...(this.#parts.simulated ? { sim: true as const } : {}),
    };
  }
}
