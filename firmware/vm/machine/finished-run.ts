/** What a run came to. The hashes are made when somebody asks for them: not every run is recorded. */
import type { Json } from "../../core/json.ts";
import { inputHash, outputHash } from "../replay/trace.ts";
import type { JournalEntry, Limits, Metrics, Outcome } from "../types.ts";
import type { CallAnswers } from "./call-answers.ts";
import type { MachineError, MachineResult } from "./machine-types.ts";
import type { Run } from "./run.ts";

export type FinishedRunParts = Omit<MachineResult, "inputHash" | "outputHash" | "withWall">;

export class FinishedRun implements MachineResult {
  readonly ended: MachineResult["ended"];
  readonly status: number;
  readonly outcome: Outcome;
  readonly journal: readonly JournalEntry[];
  readonly limits: Limits;
  readonly payload: Json;
  readonly trigger: Json;
  readonly metrics: Metrics;
  readonly error: MachineError | null;
  readonly programHash: string;
  private ofInputs: string | null = null;
  private ofOutcome: string | null = null;

  constructor(parts: FinishedRunParts) {
    this.ended = parts.ended;
    this.status = parts.status;
    this.outcome = parts.outcome;
    this.journal = parts.journal;
    this.limits = parts.limits;
    this.payload = parts.payload;
    this.trigger = parts.trigger;
    this.metrics = parts.metrics;
    this.error = parts.error;
    this.programHash = parts.programHash;
  }

  get inputHash(): string {
    this.ofInputs ??= inputHash(this);
    return this.ofInputs;
  }

  get outputHash(): string {
    this.ofOutcome ??= outputHash(this.outcome);
    return this.ofOutcome;
  }

  withWall(wallMs: number): MachineResult {
    return new FinishedRun({ ...this, metrics: { ...this.metrics, wallMs } });
  }
}

/** What the run used; `wallMs` and `phiChargedMilli` are filled in by whoever ran the machine. */
export const metricsOf = (run: Run, answers: CallAnswers): Metrics => ({
  cpuSteps: run.steps,
  memBytes: run.memoryPeak,
  memKb: Math.ceil(run.memoryPeak / 1024),
  ioCalls: run.ioCalls,
  sleptMs: run.sleptMs,
  wallMs: 0,
  tasks: run.peakTasks,
  claims: run.claims,
  outputBytes: run.outputBytes,
  ioReadBytes: answers.readBytes,
  ioWriteBytes: answers.writtenBytes,
  netOutBytes: answers.netBytes,
  refusals: answers.refusals,
  phiChargedMilli: 0,
});
