/**
 * Runs a program step by step with answers that are given, on a clock that only advances when nothing is ready. No
 * device, store or network is reachable from here.
 */
import { CodedError } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { schemaCheck } from "../runs/index.ts";
import {
  createMachine,
  type Limits,
  type Machine,
  type MachineRequest,
  type MachineResult,
  type StepObserver,
  type VerifiedProgram,
} from "../vm/index.ts";
import type { GivenAnswer } from "./answers-file.ts";
import { safe } from "./text.ts";

export interface VirtualRunOptions {
  readonly payload: Json;
  readonly trigger: Json;
  readonly limits: Limits;
  readonly answers: readonly GivenAnswer[];
  readonly observe: StepObserver;
}

export interface VirtualRun {
  readonly result: MachineResult;
  /** Per call in order: virtual ms until its answer, null if the answer does not say. */
  readonly latencies: readonly (number | null)[];
}

type CallRequest = MachineRequest & { readonly kind: "call" };

interface Due {
  readonly at: number;
  readonly order: number;
  readonly finish: () => void;
}

class Site {
  readonly #machine: Machine;
  readonly #answers: readonly GivenAnswer[];
  readonly #due: Due[] = [];
  readonly latencies: (number | null)[] = [];
  #order = 0;
  now = 0;

  constructor(machine: Machine, answers: readonly GivenAnswer[]) {
    this.#machine = machine;
    this.#answers = answers;
  }

  serve(requests: readonly MachineRequest[]): void {
    for (const request of requests) {
      if (request.kind === "call") this.#call(request);
      else this.#later(request.ms, () => this.#machine.complete({ kind: "wake", request: request.id }));
    }
  }

  /** Moves time to what comes next. False if nothing does. */
  advance(): boolean {
    const next = this.#due.sort((a, b) => a.at - b.at || a.order - b.order).shift();
    if (next === undefined) return false;
    this.now = Math.max(this.now, next.at);
    next.finish();
    return true;
  }

  #later(ms: number, finish: () => void): void {
    this.#due.push({ at: this.now + ms, order: this.#order++, finish });
  }

  #call(request: CallRequest): void {
    const index = this.latencies.length;
    const given = this.#answers[index];
    if (given === undefined) throw missing(request, index);
    const { capability, answer, latencyMs } = given;
    if (capability !== null && capability !== request.capability) throw mismatch(request, index, capability);
    this.latencies.push(latencyMs);
    this.#later(latencyMs ?? 0, () => this.#machine.complete({ kind: "call", request: request.id, answer }));
  }
}

function missing({ capability, args }: CallRequest, index: number): CodedError {
  const message = `Call ${index} has no answer: ${capability} ${safe(JSON.stringify(args))}.`;
  return new CodedError("answer_missing", message, {
    status: 422,
    details: { index, capability, remedy: 'add {"result": …} to the list of the --answers file.' },
  });
}

function mismatch({ capability }: CallRequest, index: number, expected: string): CodedError {
  return new CodedError(
    "answer_mismatch",
    `Answer ${index} is for ${expected}, the program calls ${capability}.`,
    {
      status: 422,
      details: { index, remedy: "answers stand in the order of the calls." },
    },
  );
}

/** @throws CodedError `answer_missing`, `answer_mismatch` (422). */
export function virtualRun(program: VerifiedProgram, options: VirtualRunOptions): VirtualRun {
  const { payload, trigger, limits, answers, observe } = options;
  const clock = { now: () => 0 };
  const machine = createMachine(program, {
    payload,
    trigger,
    limits,
    inputs: { elapsedMs: () => Math.floor(clock.now()) },
    checkSchema: schemaCheck,
    executor: "interpreter",
  });
  const site = new Site(machine, answers);
  clock.now = () => site.now;
  for (;;) {
    const state = machine.runSlice(0);
    if (machine.result !== null) return { result: machine.result, latencies: site.latencies };
    if (site.now > limits.wallMs) {
      const details = { limit: limits.wallMs, used: Math.floor(site.now), needed: 0 };
      return { result: machine.cut("wall_exceeded", details), latencies: site.latencies };
    }
    if (state === "ready") {
      observe(machine);
      machine.runSlice(1);
    }
    site.serve(machine.takeRequests());
    if (machine.result === null && state === "waiting" && !site.advance()) {
      throw new Error("The machine waits for nothing.");
    }
  }
}
