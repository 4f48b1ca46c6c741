/** What a run came to. The hashes are made when somebody asks for them: not every run is recorded. */
import type { Json } from "../core/json.ts";
import type { MachineError, MachineResult } from "./machine-types.ts";
import { inputHash, outputHash } from "./trace.ts";
import type { JournalEntry, Limits, Metrics, Outcome } from "./types.ts";

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
  #inputHash: string | null = null;
  #outputHash: string | null = null;

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
    this.#inputHash ??= inputHash(this);
    return this.#inputHash;
  }

  get outputHash(): string {
    this.#outputHash ??= outputHash(this.outcome);
    return this.#outputHash;
  }

  withWall(wallMs: number): MachineResult {
    return new FinishedRun({ ...this, metrics: { ...this.metrics, wallMs } });
  }
}
