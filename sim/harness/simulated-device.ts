/** One device of a simulation as tests look at it: outputs, runs, ledger, status. Reading changes nothing. */
import { statusSummary } from "../../firmware/composition/summaries.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { RunRecord } from "../../firmware/vm/types.ts";
import { readFacts } from "./invariants/facts.ts";
import { activeLowLines } from "./invariants/policy-view.ts";
import type { Member, Sim } from "./sim.ts";

export interface OutputState {
  readonly name: string;
  readonly uri: string;
  /** What the policy calls on: 1, off: 0; null while nobody drives the line, or for an output that is no line. */
  readonly value: Level | null;
  readonly safe: Json;
  /** How often the line has changed since the beginning. */
  readonly changes: number;
}

export interface LedgerRow {
  readonly index: number;
  /** Wall ms of the device. */
  readonly ts: number;
  readonly kind: string;
  readonly actor: string;
  readonly severity: string;
  readonly data: JsonObject;
  readonly runId: string | null;
}

export type RunRow = RunRecord;

const GPIO = /^gpio:\/\/[^/]+\/(\d+)$/;

export class SimulatedDevice {
  readonly #sim: Sim;
  readonly #member: Member;

  constructor(sim: Sim, member: Member) {
    this.#sim = sim;
    this.#member = member;
  }

  get name(): string {
    return this.#member.device.name;
  }

  /** The id it has in the fleet, from its key. */
  get id(): string {
    return this.#member.device.keys.deviceId;
  }

  get isRunning(): boolean {
    return this.#member.device.isRunning;
  }

  get isPowered(): boolean {
    return this.#member.device.isPowered;
  }

  /** How often its daemon was started. */
  get boots(): number {
    return this.#member.device.boots;
  }

  /** Names of the policy's outputs. */
  get outputs(): readonly string[] {
    return this.#outputs().map(({ name }) => String(name));
  }

  /** An output of the policy as the board shows it, not as the daemon believes. @throws CodedError `not_found` (404). */
  output(name: string): OutputState {
    const { board, observer } = this.#member;
    const output = this.#outputs().find((one) => one.name === name);
    if (!output)
      throw new CodedError("not_found", `The policy of ${this.name} has no output ${name}.`, { status: 404 });
    const uri = String(output.uri);
    const line = Number(GPIO.exec(uri)?.[1] ?? -1);
    const level = line < 0 ? null : board.levelOf(line);
    const isInverted = activeLowLines(observer.config).has(line);
    return {
      name,
      uri,
      value: level === null ? null : isInverted ? ((1 - level) as Level) : level,
      safe: output.safe ?? null,
      changes: observer.moves.filter((move) => move.line === line && move.level !== null).length,
    };
  }

  /** Recorded runs, the oldest first; of one program or of all. */
  async runs(program?: string): Promise<readonly RunRow[]> {
    const { runs } = await readFacts(this.#member.observer);
    return program === undefined ? runs : runs.filter((run) => run.program.name === program);
  }

  /** Entries of its ledger, the oldest first; of one kind or of all. */
  async ledger(kind?: string): Promise<readonly LedgerRow[]> {
    const { entries } = await readFacts(this.#member.observer);
    const rows = entries.map(
      ({ index, entry: { ts, event } }): LedgerRow => ({
        index,
        ts,
        kind: event.kind,
        actor: event.actor,
        severity: event.severity,
        data: event.data as JsonObject,
        runId: "runId" in event && typeof event.runId === "string" ? event.runId : null,
      }),
    );
    return kind === undefined ? rows : rows.filter((row) => row.kind === kind);
  }

  /** What `imuctl status` shows; null while the daemon does not run. */
  status(): JsonObject | null {
    const { device } = this.#member;
    return device.isRunning ? statusSummary(device.daemon.parts) : null;
  }

  /** How often a kind of ledger event, or of trace record as `sim.<kind>`, was seen of this device. */
  count(event: string): number {
    return this.#member.observer.counts.get(event) ?? 0;
  }

  /** Lets a fault of the power, the process or the clock strike this device now; see `Simulation.fault` for all others. */
  cutPower(offMs = 3000): void {
    this.#sim.fault({
      fault: "cut",
      devices: [this.name],
      label: null,
      nth: null,
      step: null,
      point: null,
      offMs,
      torn: null,
    });
  }

  #outputs(): readonly JsonObject[] {
    const { outputs } = this.#member.observer.policy;
    return Array.isArray(outputs) ? (outputs as readonly Json[]).filter(isJsonObject) : [];
  }
}
