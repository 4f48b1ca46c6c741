/** One admitted run from its first slice to its settlement. */
import {
  type CapabilityGate,
  createRunContext,
  type RunContext,
  settlementOps,
} from "../capabilities/index.ts";
import type { Refusal } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import {
  type OfficialParts,
  type ReputationBook,
  type RequirementLayer,
  RunEvidence,
  RunOfficials,
  type RunPacker,
  RunReputation,
  type Sealer,
  tighten,
} from "../evidence/index.ts";
import type { CommitUnit, EntryReceipt } from "../ledger/types.ts";
import type { Subject } from "../policy/types.ts";
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
import { doubtedSource, effectEvents, errorOf, mayAct } from "./acting.ts";
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
  /** What sources did before; without it every source has the trust of its rule. */
  readonly reputation?: ReputationBook;
  /** Without it no official statement is verified, and none counts. */
  readonly official?: OfficialParts;
  /** A claim that a vote overruled, with the source of its value: alert `sensor_outlier`. */
  readonly onOutlier?: (source: string, claim: string) => void;
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

const EVIDENCE_PER_CALL = 3;
const EVIDENCE_BASE = 64;

export class RunExecution {
  readonly #parts: ExecutionParts;
  readonly #run: AdmittedRun;
  readonly #evidence: RunEvidence;
  readonly #ctx: RunContext;
  readonly #calls = new CallLog();
  readonly #reputation: RunReputation | null;
  readonly #official: RunOfficials | null;
  readonly #startedAt: number;
  readonly #alertsBefore: number;
  #markedOpen = false;

  constructor(parts: ExecutionParts, run: AdmittedRun) {
    this.#parts = parts;
    this.#run = run;
    this.#startedAt = parts.clock.wallMs();
    this.#alertsBefore = parts.circumstances?.alerts() ?? 0;
    const { policy } = run.set;
    this.#reputation = parts.reputation ? new RunReputation(parts.reputation) : null;
    this.#evidence = new RunEvidence({
      runId: run.runId,
      subject: run.subject,
      deviceId: parts.deviceId,
      policyHash: policy.policyHash,
      clock: parts.clock,
      sources: run.set.sources,
      ...run.set.evidence,
      ...(this.#reputation ? { reputation: this.#reputation } : {}),
      ...(parts.onOutlier && !run.dry ? { onOutlier: parts.onOutlier } : {}),
      sealer: parts.sealer,
      maxPerRun: EVIDENCE_PER_CALL * run.limits.ioCalls + EVIDENCE_BASE,
    });
    this.#official = this.#officials();
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
      official: (statement) => this.#official?.accept(statement) ?? null,
    });
  }

  #officials(): RunOfficials | null {
    const { official, deviceId, clock } = this.#parts;
    const { set, dry } = this.#run;
    const own = {
      deviceId,
      clock,
      sources: set.sources,
      evidence: this.#evidence,
      reputation: this.#reputation,
      dry,
    };
    return official ? new RunOfficials({ ...official, ...own }) : null;
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
    const doubted = doubtedSource(result, request, set.policy, this.#parts.simulated);
    if (doubted !== null) this.#reputation?.violation(set.sources.lookup(doubted).id, doubted);
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
    const why = result.error?.reason ?? result.ended;
    const outputs = this.#ctx.program?.outputs ?? [];
    const safeStates = failed && !run.dry ? await parts.driveSafe(outputs, why) : [];
    for (const output of safeStates) this.#calls.safeState(output, why);
    const left = await this.#ctx.openIntents.left();
    this.#evidence.settle();
    const record = this.#record(result, reply, safeStates);
    if (run.dry) {
      parts.settle.discard(run.runId);
      return { record, reply, entry: null, sessionTrust, calls: this.#calls };
    }
    const staged = this.#evidence.stage(parts.packer);
    const learned = this.#reputation?.settle(parts.clock.wallMs());
    const noted = [...(learned?.ops ?? []), ...(this.#official?.ops ?? [])];
    const facts: RunFacts = {
      record,
      evidence: record.evidence,
      events: [
        ...this.#calls.events(run.runId, run.subject),
        ...effectEvents(this.#ctx, left, this.#official),
      ],
      ops: [...run.ops, ...staged.ops, ...settlementOps(this.#ctx), ...noted],
    };
    const shared = this.#mayShare(facts) ? parts.runs.stageShared(record) : null;
    const row = shared ?? parts.runs.stage(record);
    const unit = shared === null ? settlement(facts, row.ops) : sharedSettlement(facts, shared);
    const receipts = await parts.settle.commit(run.runId, unit).catch((error: unknown) => {
      learned?.failed();
      this.#official?.failed();
      throw error;
    });
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
