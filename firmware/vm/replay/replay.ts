/**
 * Runs a program again from its journal (vm.md 11): no capability, clock or store is reachable from here. Equal means
 * equal output hash, steps, memory figure and journal.
 */
import { canonicalize } from "../../core/canonical-json.ts";
import type { Json } from "../../core/json.ts";
import { SCHEDULER_LIMITS } from "../../core/limits.ts";
import type { CapabilityView, SchemaCheck } from "../capability-view.ts";
import { createMachine, type Machine } from "../machine/machine.ts";
import {
  type Completion,
  type Executor,
  isCutReason,
  type MachineInputs,
  type MachineResult,
  type SliceState,
  type WaitingView,
} from "../machine/machine-types.ts";
import type { MachineRequest } from "../machine/run.ts";
import { type JournalEntry, type Metrics, VM_VERSION } from "../types.ts";
import { programHash } from "../verifier/program-document.ts";
import { type VerifiedProgram, verifyProgram } from "../verifier/verify.ts";
import { inputHash, type RunInputs } from "./trace.ts";

/** The members of a run record that replay reads, with the journal inline. */
export interface ReplayRecord extends RunInputs {
  readonly vmVersion: string;
  readonly program: { readonly programHash: string };
  readonly inputHash: string;
  readonly outputHash: string;
  readonly metrics: Pick<Metrics, "cpuSteps" | "memBytes">;
}

export type ReplayResult =
  | { readonly ok: true; readonly outputHash: string; readonly result: MachineResult }
  | {
      readonly ok: false;
      readonly code:
        | "vm_version_unsupported"
        | "program_hash_mismatch"
        | "input_hash_mismatch"
        | "program_invalid"
        | "replay_divergence";
      /** Index of the first journal entry that does not fit, null if only the result differs. */
      readonly entry: number | null;
      readonly expected: Json;
      readonly got: Json;
    };

/** What a journal promised of the result; absent members are not compared. */
export interface Expected {
  readonly outputHash?: string;
  readonly steps?: number;
  readonly memBytes?: number;
}

/** Thrown through the machine: the journal does not fit what the program does. */
class Divergence {
  readonly entry: number;
  readonly got: Json;

  constructor(entry: number, got: Json) {
    this.entry = entry;
    this.got = got;
  }
}

/** Answers a machine from the journal, at the recorded turns. */
class JournalPlayer implements MachineInputs {
  readonly #journal: readonly JournalEntry[];
  readonly #answered: CallObserver | undefined;
  position = 0;

  constructor(journal: readonly JournalEntry[], answered: CallObserver | undefined) {
    this.#journal = journal;
    this.#answered = answered;
  }

  get next(): JournalEntry | undefined {
    return this.#journal[this.position];
  }

  elapsedMs(task: number): number {
    const { next } = this;
    if (next?.t !== "elapsed" || next.task !== task)
      throw new Divergence(this.position, { t: "elapsed", task });
    this.position++;
    return next.value;
  }

  take(turn: number, machine: WaitingView): readonly Completion[] {
    const taken: Completion[] = [];
    for (let entry = this.next; entry?.t === "call" || entry?.t === "wake"; entry = this.next) {
      if (entry.turn !== turn) break;
      taken.push(this.#completion(entry, machine));
      this.position++;
    }
    return taken;
  }

  #completion(entry: JournalEntry & { t: "call" | "wake" }, machine: WaitingView): Completion {
    const waiting = machine.waitingOf(entry.task);
    if (waiting === null) throw new Divergence(this.position, null);
    if (entry.t === "wake") {
      if (waiting.kind === "call")
        throw new Divergence(this.position, { t: "call", capability: waiting.capability });
      return { kind: "wake", request: waiting.id };
    }
    if (waiting.kind !== "call") throw new Divergence(this.position, { t: "wake", task: entry.task });
    const { capability, args } = waiting;
    if (capability !== entry.capability || canonicalize(args) !== canonicalize(entry.args)) {
      throw new Divergence(this.position, { t: "call", task: entry.task, capability, args });
    }
    const { evidence } = entry;
    this.#answered?.(waiting);
    if (entry.ok) {
      return {
        kind: "call",
        request: waiting.id,
        answer: { ok: true, result: entry.result ?? null, evidence },
      };
    }
    if (entry.error === undefined) throw new Divergence(this.position, null);
    return { kind: "call", request: waiting.id, answer: { ok: false, error: entry.error, evidence } };
  }
}

/** The cut that ends the journal, if one does. */
function finalCut(journal: readonly JournalEntry[]): (JournalEntry & { t: "cut" }) | null {
  const last = journal.at(-1);
  return last?.t === "cut" ? last : null;
}

/** Called with the machine directly before each instruction that costs a step; it looks and changes nothing. */
export type StepObserver = (machine: Machine) => void;

/** Told of each call of the journal, in its order, as the program made it. */
export type CallObserver = (request: MachineRequest & { readonly kind: "call" }) => void;

/** At most `budget` steps: as one slice, or one by one if somebody watches. The same happens either way. */
function advance(machine: Machine, budget: number, observe: StepObserver | undefined): SliceState {
  if (observe === undefined) return machine.runSlice(budget);
  const end = machine.steps + budget;
  for (;;) {
    // Nothing runs in a slice of no steps, but the task that is next has its turn by then.
    const state = machine.runSlice(0);
    if (state !== "ready" || machine.steps >= end) return state;
    observe(machine);
    machine.runSlice(1);
  }
}

function play(
  machine: Machine,
  player: JournalPlayer,
  journal: readonly JournalEntry[],
  observe: StepObserver | undefined,
): MachineResult {
  const cut = finalCut(journal);
  for (;;) {
    const budget = cut === null ? SCHEDULER_LIMITS.sliceSteps : cut.steps - machine.steps;
    if (budget < 0) throw new Divergence(player.position, { t: "cut", steps: machine.steps });
    const state = advance(machine, budget, observe);
    if (machine.result !== null) return machine.result;
    if (cut !== null && player.next === cut && machine.steps === cut.steps) {
      if (!isCutReason(cut.reason)) throw new Divergence(player.position, null);
      player.position++;
      return machine.cut(cut.reason);
    }
    if (state === "waiting" || cut !== null) {
      const request = machine.takeRequests().at(-1);
      const got =
        request?.kind === "call" ? { t: "call", capability: request.capability, args: request.args } : null;
      throw new Divergence(player.position, got);
    }
  }
}

function compare(result: MachineResult, expected: Expected): ReplayResult {
  const got = {
    outputHash: result.outputHash,
    steps: result.metrics.cpuSteps,
    memBytes: result.metrics.memBytes,
  };
  const wanted = { ...got, ...expected };
  if (canonicalize(wanted) === canonicalize(got)) return { ok: true, outputHash: result.outputHash, result };
  return { ok: false, code: "replay_divergence", entry: null, expected: wanted, got };
}

/** Replays without comparing any hash of the inputs first. */
export function replayJournal(
  program: VerifiedProgram,
  inputs: RunInputs,
  expected: Expected,
  options: {
    readonly checkSchema?: SchemaCheck;
    readonly executor?: Executor;
    readonly observe?: StepObserver;
    readonly answered?: CallObserver;
  } = {},
): ReplayResult {
  const { observe, answered, ...machineOptions } = options;
  const { journal, limits, payload, trigger } = inputs;
  const player = new JournalPlayer(journal, answered);
  const asJson = (entry: JournalEntry | undefined): Json => (entry === undefined ? null : (entry as Json));
  try {
    const machine = createMachine(program, {
      payload,
      trigger,
      limits,
      inputs: player,
      ...machineOptions,
    });
    const result = play(machine, player, journal, observe);
    const firstOther = journal.findIndex((entry, i) => {
      const own = result.journal[i];
      return own === undefined || canonicalize(own) !== canonicalize(entry);
    });
    if (firstOther >= 0) throw new Divergence(firstOther, asJson(result.journal[firstOther]));
    return compare(result, expected);
  } catch (error) {
    if (!(error instanceof Divergence)) throw error;
    const { entry, got } = error;
    return { ok: false, code: "replay_divergence", entry, expected: asJson(journal[entry]), got };
  }
}

const refused = (
  code: "vm_version_unsupported" | "program_hash_mismatch" | "input_hash_mismatch" | "program_invalid",
  expected: Json,
  got: Json,
): ReplayResult => ({ ok: false, code, entry: null, expected, got });

/** Re-hashes document and inputs, then replays and compares output hash, steps and memory. */
export function replay(
  document: Json,
  record: ReplayRecord,
  options: {
    readonly view: CapabilityView;
    readonly checkSchema?: SchemaCheck;
    readonly executor?: Executor;
    readonly observe?: StepObserver;
  },
): ReplayResult {
  if (record.vmVersion !== VM_VERSION) return refused("vm_version_unsupported", VM_VERSION, record.vmVersion);
  const hash = programHash(document);
  if (hash !== record.program.programHash)
    return refused("program_hash_mismatch", record.program.programHash, hash);
  const inputs = inputHash(record);
  if (inputs !== record.inputHash) return refused("input_hash_mismatch", record.inputHash, inputs);
  const { view, ...rest } = options;
  const program = verifyProgram(document, view);
  if (!program.ok) return refused("program_invalid", null, program.issues[0]?.code ?? null);
  const { outputHash, metrics } = record;
  const expected = { outputHash, steps: metrics.cpuSteps, memBytes: metrics.memBytes };
  return replayJournal(program, record, expected, rest);
}
