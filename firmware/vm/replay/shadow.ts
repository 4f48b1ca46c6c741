/**
 * Runs another document on a recorded journal (vm.md 11, Shadow). Calls are answered by capability and arguments in
 * recorded order; nothing is executed. Time is virtual and moves only when nothing else can happen.
 */
import { canonicalize } from "../../core/canonical-json.ts";
import type { Json } from "../../core/json.ts";
import type { SchemaCheck } from "../capability-view.ts";
import { createMachine, type Machine } from "../machine/machine.ts";
import type { CallAnswer, Executor, MachineResult } from "../machine/machine-types.ts";
import type { MachineRequest } from "../machine/run.ts";
import type { JournalEntry } from "../types.ts";
import type { VerifiedProgram } from "../verifier/verify.ts";
import type { RunInputs } from "./trace.ts";

export interface ShadowResult {
  /** Meaningful only when `unrecorded` is empty; else the run ended with `replay_missing_input` there. */
  readonly result: MachineResult;
  readonly unrecorded: readonly { readonly capability: string; readonly args: Json }[];
}

const keyOf = (capability: string, args: Json): string => canonicalize([capability, args]);

function answersOf(journal: readonly JournalEntry[]): Map<string, CallAnswer[]> {
  const answers = new Map<string, CallAnswer[]>();
  for (const entry of journal) {
    if (entry.t !== "call") continue;
    const { evidence, error } = entry;
    const answer: CallAnswer = error
      ? { ok: false, error, evidence }
      : { ok: true, result: entry.result ?? null, evidence };
    const key = keyOf(entry.capability, entry.args);
    answers.set(key, [...(answers.get(key) ?? []), answer]);
  }
  return answers;
}

interface Due {
  readonly at: number;
  readonly id: number;
}

class Shadow {
  readonly #answers: Map<string, CallAnswer[]>;
  readonly #elapsed: number[];
  readonly #due: Due[] = [];
  readonly unrecorded: { capability: string; args: Json }[] = [];
  #now = 0;

  constructor(journal: readonly JournalEntry[]) {
    this.#answers = answersOf(journal);
    this.#elapsed = journal.flatMap((entry) => (entry.t === "elapsed" ? [entry.value] : []));
  }

  /** Recorded readings first; after them virtual time, which never goes back. */
  elapsedMs(): number {
    this.#now = Math.max(this.#now, this.#elapsed.shift() ?? this.#now);
    return this.#now;
  }

  serve(machine: Machine, requests: readonly MachineRequest[]): void {
    for (const request of requests) {
      if (request.kind === "call") {
        machine.complete({ kind: "call", request: request.id, answer: this.#answer(request) });
      } else this.#due.push({ at: this.#now + request.ms, id: request.id });
    }
  }

  /** Moves time to the next timer. False if there is none. */
  advance(machine: Machine): boolean {
    const next = this.#due.sort((a, b) => a.at - b.at || a.id - b.id).shift();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    machine.complete({ kind: "wake", request: next.id });
    return true;
  }

  #answer({ capability, args }: MachineRequest & { kind: "call" }): CallAnswer {
    const answer = this.#answers.get(keyOf(capability, args))?.shift();
    if (answer !== undefined) return answer;
    this.unrecorded.push({ capability, args });
    const code = "replay_missing_input";
    return { ok: false, error: { code, reason: code, status: 503, details: { capability } }, evidence: [] };
  }
}

/** Bounded by the limits in `inputs`; no effect is executed. */
export function shadowRun(
  program: VerifiedProgram,
  inputs: RunInputs,
  checkSchema?: SchemaCheck,
  executor?: Executor,
): ShadowResult {
  const shadow = new Shadow(inputs.journal);
  const machine = createMachine(program, {
    payload: inputs.payload,
    trigger: inputs.trigger,
    limits: inputs.limits,
    inputs: { elapsedMs: () => shadow.elapsedMs() },
    ...(checkSchema ? { checkSchema } : {}),
    ...(executor ? { executor } : {}),
  });
  for (;;) {
    const state = machine.runSlice(2000);
    const requests = machine.takeRequests();
    if (machine.result !== null) return { result: machine.result, unrecorded: shadow.unrecorded };
    shadow.serve(machine, requests);
    const calls = requests.some((request) => request.kind === "call");
    if (state === "waiting" && !calls && !shadow.advance(machine)) {
      return { result: machine.abandon(), unrecorded: shadow.unrecorded };
    }
  }
}
