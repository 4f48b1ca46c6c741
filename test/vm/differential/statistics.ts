/** What a campaign has really exercised, so that it cannot pass by running nothing. */

import { isJsonObject, type Json } from "../../../firmware/core/json.ts";
import type { Machine, MachineResult, VerifiedProgram } from "../../../firmware/vm/index.ts";
import { createMachine } from "../../../firmware/vm/index.ts";
import type { Snapshot } from "./execution.ts";
import { checkSchema, ScriptedHost } from "./host.ts";
import type { Scenario } from "./program.ts";

/** Instructions looked at per program; stepping is slow, and loops show nothing new. */
const MOST_STEPS = 150;
/** Every so many programs one is looked at, for the same reason. */
export const LOOKED_AT_ONE_IN = 4;

const count = (map: Map<string, number>, key: string): void => void map.set(key, (map.get(key) ?? 0) + 1);
const sorted = (map: ReadonlyMap<string, number>): string =>
  [...map]
    .sort((a, b) => b[1] - a[1])
    .map(([key, n]) => `${key} ${n}`)
    .join(" · ");

export class Statistics {
  generated = 0;
  verified = 0;
  steps = 0;
  readonly rejections = new Map<string, number>();
  readonly endings = new Map<string, number>();
  readonly reasons = new Map<string, number>();
  readonly journal = new Map<string, number>();
  /** Instructions that were carried out without a failure, by name. */
  readonly succeeded = new Map<string, number>();
  readonly failed = new Map<string, number>();

  reject(code: string): void {
    this.generated++;
    count(this.rejections, code);
  }

  add(program: VerifiedProgram, scenario: Scenario, result: Snapshot): void {
    this.generated++;
    this.verified++;
    this.steps += result.metrics.cpuSteps;
    count(this.endings, result.ended);
    if (result.error) count(this.reasons, result.error.reason);
    for (const { t } of result.journal) count(this.journal, t);
    if (this.verified % LOOKED_AT_ONE_IN === 0) this.#walk(program, scenario);
  }

  get share(): number {
    return this.verified / Math.max(1, this.generated);
  }

  toString(): string {
    return [
      `${this.generated} programs, ${(100 * this.share).toFixed(1)} % verified (refused: ${sorted(this.rejections)})`,
      `${(this.steps / Math.max(1, this.verified)).toFixed(0)} steps each; ended: ${sorted(this.endings)}`,
      `reasons: ${sorted(this.reasons)}`,
      `journal: ${sorted(this.journal)}`,
      `carried out: ${sorted(this.succeeded)}`,
      `failed: ${sorted(this.failed)}`,
    ].join("\n");
  }

  /** One step at a time on the interpreter: which instruction ran, and whether it led to a handler or to the end. */
  #walk(program: VerifiedProgram, { payload, trigger, limits, answers }: Scenario): void {
    const host = new ScriptedHost(answers);
    const machine = createMachine(program, {
      ...{ payload, trigger, limits, inputs: host, checkSchema, executor: "interpreter" as const },
    });
    host.attach(machine);
    while (machine.result === null && machine.steps < MOST_STEPS) {
      const before = machine.inspect();
      const steps = machine.steps;
      const state = machine.runSlice(1);
      if (state === "waiting") host.advance();
      if (before === null || machine.steps === steps) continue;
      const instr = instructionAt(program.document.code, before.at);
      const after = machine.result === null ? machine.inspect() : null;
      const handled =
        after !== null &&
        after.task === before.task &&
        isHandler(instructionAt(program.document.code, after.at));
      const op = isJsonObject(instr) ? String(instr.op) : "end";
      const error = endOf(machine)?.error ?? null;
      count(
        handled || (error !== null && error.code !== "contract_violation") ? this.failed : this.succeeded,
        op,
      );
    }
  }
}

/** Asked anew: a slice may end the machine. */
const endOf = (machine: Machine): MachineResult | null => machine.result;

const isHandler = (instr: Json): boolean => isJsonObject(instr) && instr.note === "handler";

/** `code`, or the path of a body: `code/3/body/0/body`. */
function instructionAt(
  code: unknown,
  { unit, index }: { readonly unit: string; readonly index: number },
): Json {
  let list = code as readonly Json[];
  for (const part of unit.split("/").slice(1)) {
    const next = part === "body" ? list : list[Number(part)];
    list = isJsonObject(next) ? (next.body as readonly Json[]) : (next as readonly Json[]);
  }
  return list[index] ?? null;
}
