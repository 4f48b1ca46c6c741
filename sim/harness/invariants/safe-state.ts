/**
 * I4: outputs are at their declared safe value from the start until programs may run, after every refusal and failure,
 * on demand, and at the end. Judged by the level of the line as the board saw it.
 */
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { Level } from "../../../firmware/ports/hardware.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant, InvariantContext, Life } from "./invariant.ts";
import { LineHistory } from "./line-history.ts";
import type { OutputView } from "./policy-view.ts";
import { payloadOf, viewRun } from "./run-view.ts";
import { sampled } from "./sampling.ts";
import { TICK_US } from "./timeline.ts";

/** From the wish to be safe to outputs that are (capabilities.md 9). */
const SAFE_US = 500_000;
/** Refused or failed runs that are looked at; each costs the reading of its evidence. */
const JUDGED_RUNS = 96;
const NOBODY = new LineHistory([]);

class SafeStateCheck {
  readonly #context: InvariantContext;
  readonly #facts: DeviceFacts;

  constructor(context: InvariantContext, facts: DeviceFacts) {
    this.#context = context;
    this.#facts = facts;
  }

  async all(): Promise<void> {
    for (const life of this.#facts.device.lives) {
      this.#start(life);
      this.#end(life);
    }
    const bad = this.#facts.runs.filter(
      ({ state, metrics }) => state === "failed" || state === "cut" || metrics.refusals > 0,
    );
    for (const run of sampled(bad, JUDGED_RUNS)) await this.#run(run);
    this.#demands();
    this.#safeModes();
  }

  #say(what: string, details: JsonObject): void {
    this.#context.report({ id: "I4", what, actor: this.#facts.device.deviceId, details });
  }

  /** Lines that a level is declared safe for, by every policy that could have been in force. */
  #lines(): readonly (readonly [line: number, outputs: readonly OutputView[]])[] {
    const byLine = new Map<number, OutputView[]>();
    for (const { outputs } of this.#facts.policies.values())
      for (const output of outputs)
        if (output.line !== null) byLine.set(output.line, [...(byLine.get(output.line) ?? []), output]);
    return [...byLine].filter(([, outputs]) => outputs.every(({ safe }) => safe !== null));
  }

  #isSafe(line: number, outputs: readonly OutputView[], level: Level | null): boolean {
    if (level === null) return true;
    const logical = this.#facts.activeLow.has(line) ? 1 - level : level;
    return outputs.some(({ safe }) => safe === logical);
  }

  #history(line: number): LineHistory {
    return this.#facts.lines.get(line) ?? NOBODY;
  }

  /** A line that could not be driven: the daemon says so, releases it and stays out of service. */
  #isExcused(life: Life, name: string): boolean {
    const { entries, timeline } = this.#facts;
    if (this.#context.faults.has("line")) return true;
    return entries.some(({ entry: { event, ts } }) => {
      const details = isJsonObject(event.data.details ?? null) ? (event.data.details as JsonObject) : {};
      const isAbout =
        event.kind === "alert" && event.data.name === "safe_state_failed" && details.output === name;
      return isAbout && timeline.canHaveShown(life, ts, life.untilUs ?? this.#context.nowUs);
    });
  }

  /** Before any program: every line driven, and to nothing but its safe value (capabilities.md 9). */
  #start(life: Life): void {
    const { number, fromUs, untilUs } = life;
    const startedUs = life.lockedUs === undefined ? life.startedUs : life.lockedUs;
    const untilStart = startedUs ?? untilUs ?? this.#context.nowUs;
    for (const [line, outputs] of this.#lines()) {
      const [output] = outputs;
      if (output === undefined || this.#isExcused(life, output.name)) continue;
      const history = this.#history(line);
      const where = { life: number, line, output: output.name };
      const early = history
        .between(fromUs - 1, untilStart - 1)
        .find((move) => move.boot === number && !this.#isSafe(line, outputs, move.level));
      if (early !== undefined)
        this.#say("An output left its safe state before the board was locked.", {
          ...where,
          atUs: early.atUs,
        });
      // Only the first policy's outputs are known to be in force from the beginning.
      if (
        startedUs === null ||
        this.#facts.factory.outputOfLine(line) === null ||
        this.#facts.policies.size > 1
      )
        continue;
      const level = this.#history(line).levelAt(startedUs);
      const isDriven = history
        .between(fromUs - 1, startedUs)
        .some((move) => move.boot === number && move.level !== null);
      // A life may end in the very microsecond; then its lines are free again.
      if (!isDriven || (level === null && untilUs !== startedUs))
        this.#say("The board was locked before an output had been driven safe.", {
          ...where,
          atUs: startedUs,
        });
    }
  }

  /** An orderly end leaves every line safe; a line without power or owner follows its pull. */
  #end({ number, untilUs, end, startedUs }: Life): void {
    if (untilUs === null || startedUs === null || (end !== "stop" && end !== "exit")) return;
    for (const [line, outputs] of this.#lines()) {
      const last = this.#history(line).moves.findLast(
        ({ boot, level, atUs }) => boot === number && level !== null && atUs <= untilUs,
      );
      if (last === undefined || this.#isSafe(line, outputs, last.level)) continue;
      this.#say("An output was not safe when the daemon ended.", {
        life: number,
        line,
        output: outputs[0]?.name ?? "",
        level: last.level,
        atUs: last.atUs,
      });
    }
  }

  #outputNamed(run: RunRecord, name: string): OutputView | null {
    const output = this.#facts.policies.get(run.policyHash)?.output(name) ?? null;
    return output?.line === null || output?.safe === null ? null : output;
  }

  async #run(run: RunRecord): Promise<void> {
    const view = await viewRun(this.#facts, run);
    if (view === null) return;
    const { rows } = view;
    for (const [place, row] of rows.entries()) {
      const name = this.#refusedOutput(row.body.kind, payloadOf(row));
      const output = name === null ? null : this.#outputNamed(run, name);
      if (output === null) continue;
      if (row.body.kind === "fallback_used" && payloadOf(row).safeState === undefined)
        this.#say("A refusal did not drive the safe state of its output.", {
          runId: run.runId,
          output: output.name,
        });
      // By the time of the next record of the run the drive to safety is over.
      const next = rows[place + (row.body.kind === "guard_decision" ? 1 : 0)]?.body ?? row.body;
      const fromUs = this.#facts.timeline.ofMono(row.body.bootId, row.body.monoMs);
      const untilUs = this.#facts.timeline.ofMono(next.bootId, next.monoMs);
      if (fromUs !== null && untilUs !== null)
        this.#mustBeSafe(output, fromUs, untilUs + TICK_US, run, "a refused effect");
    }
    if (run.state !== "failed" && run.state !== "cut") return;
    const trace = rows.findLast(({ body }) => body.kind === "vm_trace")?.body;
    const endedUs =
      (trace && this.#facts.timeline.ofMono(trace.bootId, trace.monoMs)) ?? view.untilUs - TICK_US;
    const listed = this.#facts.documents.get(run.program.programHash)?.outputs;
    for (const name of Array.isArray(listed) ? listed.map(String) : []) {
      const output = this.#outputNamed(run, name);
      if (output !== null) this.#mustBeSafe(output, endedUs, view.untilUs + SAFE_US, run, "a failed run");
      if (output !== null && !run.safeStates.includes(name))
        this.#say("A failed run does not name an output it had to drive safe.", {
          runId: run.runId,
          output: name,
        });
    }
  }

  /** The output whose safe state a record demands: a guard that refused, a fallback that was used. */
  #refusedOutput(kind: string, payload: JsonObject): string | null {
    if (kind === "fallback_used") return typeof payload.output === "string" ? payload.output : null;
    if (kind !== "guard_decision" || payload.ok !== false) return null;
    const effect = String(payload.effect);
    return effect.startsWith("gpio.write:") ? effect.slice("gpio.write:".length) : null;
  }

  #mustBeSafe(output: OutputView, fromUs: number, untilUs: number, run: RunRecord, after: string): void {
    const { line } = output;
    if (line === null) return;
    const life = this.#facts.timeline.lifeAt(fromUs);
    const endUs = life?.untilUs ?? this.#context.nowUs;
    // A life that ends first leaves the line to its pull.
    if (endUs <= untilUs || (life && this.#isExcused(life, output.name))) return;
    const isSafe = (level: Level | null): boolean => this.#isSafe(line, [output], level);
    // Only its owner can move it again, and that run is still going on.
    if (isSafe(this.#history(line).levelAt(untilUs)) || this.#history(line).hadLevel(fromUs, untilUs, isSafe))
      return;
    this.#say(`An output was not driven to its safe state after ${after}.`, {
      runId: run.runId,
      output: output.name,
      line,
      atUs: untilUs,
    });
  }

  /** `outputs.safe` and `emergency.stop`: safe when the receipt says that it was done. */
  #demands(): void {
    const { device, timeline } = this.#facts;
    const names = new Map(this.#context.sent.map(({ id, name }) => [id, name]));
    for (const { receipts } of this.#context.operators) {
      for (const { device: from, receipt, atUs } of receipts) {
        const name = names.get(receipt.commandId);
        if (from !== device.deviceId || receipt.outcome !== "done" || receipt.status !== 200) continue;
        if (name !== "outputs.safe" && name !== "emergency.stop") continue;
        const life = timeline.lifeAt(atUs);
        const doneUs = life === null ? null : timeline.ofWall(life, receipt.at);
        // A calendar that was set back has shown the same time twice: which of the two it was, nobody can say.
        if (doneUs === null || doneUs > atUs) continue;
        for (const [line, outputs] of this.#lines()) {
          const isSafe = (level: Level | null): boolean => this.#isSafe(line, outputs, level);
          if (this.#history(line).hadLevel(doneUs - SAFE_US, doneUs + TICK_US, isSafe)) continue;
          this.#say("A receipt says that the outputs are safe, and one was not.", {
            commandId: receipt.commandId,
            line,
            atUs: doneUs,
          });
        }
      }
    }
  }

  /** In safe mode no output leaves its safe state (vm.md 9.3, rollout.md 2). */
  #safeModes(): void {
    const { entries, timeline, device } = this.#facts;
    for (const life of device.lives) {
      const marks = entries.flatMap(({ entry: { event, ts } }) => {
        const atUs = /^(safe_mode_(enter|exit)|policy_(rolled_back|active))$/.test(event.kind)
          ? timeline.ofWall(life, ts)
          : null;
        return atUs === null ? [] : [{ atUs, isEnter: event.kind === "safe_mode_enter" }];
      });
      for (const [place, { atUs, isEnter }] of marks.entries()) {
        if (!isEnter) continue;
        const untilUs = marks[place + 1]?.atUs ?? life.untilUs ?? this.#context.nowUs;
        for (const [line, outputs] of this.#lines()) {
          const move = this.#history(line)
            .between(atUs + SAFE_US, untilUs - TICK_US)
            .find(({ boot, level }) => boot === life.number && !this.#isSafe(line, outputs, level));
          if (move !== undefined)
            this.#say("An output left its safe state in safe mode.", {
              life: life.number,
              line,
              atUs: move.atUs,
            });
        }
      }
    }
  }
}

export const safeStateInvariant: Invariant = {
  id: "I4",
  async check(context) {
    for (const facts of context.facts) await new SafeStateCheck(context, facts).all();
  },
};
