/**
 * I1: nothing leaves a device unless evidence of that very run justifies it, or it is a declared safe state. Judged from
 * what the board and the broker saw against what is on the disk.
 */

import { fromUtf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import { judgeEvidence, ReadLog } from "./evidence-judge.ts";
import type { DeviceFacts } from "./facts.ts";
import { type Invariant, type InvariantContext, isFrom, type LineMove } from "./invariant.ts";
import type { OutputView } from "./policy-view.ts";
import {
  type Decision,
  decisionsOf,
  outputOfArgs,
  ownsOutput,
  payloadOf,
  type RunView,
  viewRun,
} from "./run-view.ts";
import { TICK_US } from "./timeline.ts";

/** A commit that was on its way when the power failed (ledger.md 2: group commit 20 ms, with its own duration). */
const UNSYNCED_US = 100_000;

/** A run counts from its trigger, and may wait that long for a machine that is free, and for a device that is frozen. */
const WAITING_MS = 60_000;

class EffectCheck {
  readonly #context: InvariantContext;
  readonly #facts: DeviceFacts;
  readonly #reads: ReadLog;
  readonly #sentCommands: ReadonlySet<string>;
  readonly #views = new Map<string, RunView | null>();
  /** Decisions that already explain a move. */
  readonly #used = new Set<string>();
  readonly #actors = new Map<string, RunRecord[]>();
  /** Intents and unknown outcomes, those too whose entries are pruned by now. */
  readonly #acts: readonly Act[];

  constructor(context: InvariantContext, facts: DeviceFacts) {
    this.#context = context;
    this.#facts = facts;
    this.#reads = new ReadLog(facts.device.reads);
    this.#acts = actsOf(facts);
    this.#sentCommands = new Set(
      context.sent.filter(({ device }) => device === facts.device.deviceId).map(({ id }) => id),
    );
    for (const run of facts.runs) {
      const names = run.outcome.effects.flatMap(({ args }) => outputOfArgs(facts, run, args)?.name ?? []);
      for (const name of new Set(names)) {
        const known = this.#actors.get(name);
        if (known) known.push(run);
        else this.#actors.set(name, [run]);
      }
    }
  }

  async all(): Promise<void> {
    for (const move of this.#facts.device.moves) await this.#move(move);
    for (const run of this.#facts.sample) await this.#run(run);
    this.#leaks();
    this.#publications();
  }

  #say(what: string, details: JsonObject): void {
    this.#context.report({ id: "I1", what, actor: this.#facts.device.deviceId, details });
  }

  async #view(run: RunRecord): Promise<RunView | null> {
    const known = this.#views.get(run.runId);
    if (known !== undefined) return known;
    const view = await viewRun(this.#facts, run);
    this.#views.set(run.runId, view);
    return view;
  }

  /** The outputs that any known policy puts on a line. */
  #outputsOf(line: number): readonly OutputView[] {
    return [...this.#facts.policies.values()].flatMap((policy) => policy.outputOfLine(line) ?? []);
  }

  async #move(move: LineMove): Promise<void> {
    const { line, level, atUs, boot } = move;
    if (level === null) return;
    const outputs = this.#outputsOf(line);
    const where = { line, level, atUs, boot };
    if (outputs.length === 0) return void this.#say("A line moved that no policy names as an output.", where);
    const logical = this.#facts.activeLow.has(line) ? 1 - level : level;
    if (outputs.some(({ safe }) => safe === logical)) return;
    // What a safe program drives is safe by declaration; its own runs leave no record.
    const hasProgram = this.#hasSafeProgram(line);
    for (const output of outputs) {
      const cause = await this.#causeOf(move, output);
      if (cause === null) continue;
      return this.#judge(cause.view, cause.decision, output, { ...where, output: output.name });
    }
    const output = outputs[0];
    if (output === undefined || hasProgram) return;
    if (this.#isUnsettled(move, output)) return this.#blind(move, output);
    this.#say("An output left its safe state and no run had its guard's consent.", {
      ...where,
      output: output.name,
    });
  }

  #hasSafeProgram(line: number): boolean {
    return [...this.#facts.policies.values()].some(({ document }) => {
      const outputs = document.outputs;
      return (
        Array.isArray(outputs) &&
        outputs.some(
          (row) =>
            isJsonObject(row) && row.uri === `gpio://gpiochip0/${line}` && isJsonObject(row.safe ?? null),
        )
      );
    });
  }

  /** The latest decision that had passed when the line moved, in a run that owns the output and was still going on. */
  async #causeOf(move: LineMove, output: OutputView): Promise<{ view: RunView; decision: Decision } | null> {
    let best: { view: RunView; decision: Decision } | null = null;
    for (const run of this.#actors.get(output.name) ?? []) {
      if (!this.#mayCover(run, move)) continue;
      const view = await this.#view(run);
      if (view === null || view.boot !== move.boot || !ownsOutput(this.#facts, run, output.name)) continue;
      if (move.atUs < view.fromUs - TICK_US || move.atUs > view.untilUs + TICK_US) continue;
      const decision = decisionsOf(this.#facts, view, output.name).findLast(
        ({ row, atUs, ok }) => ok && atUs <= move.atUs + TICK_US && !this.#used.has(row.id),
      );
      if (decision && (best === null || decision.atUs > best.decision.atUs)) best = { view, decision };
    }
    if (best !== null) this.#used.add(best.decision.row.id);
    return best;
  }

  /** Cheap: by the record's own times, generously, so that no evidence is read of runs far away. */
  #mayCover({ startedAt, wallMs }: RunRecord, { atUs, boot }: LineMove): boolean {
    const { timeline } = this.#facts;
    const life = timeline.life(boot);
    if (life === null) return false;
    if (startedAt === life.floorMs) return true;
    const reachUs = (wallMs + WAITING_MS) * 1000;
    return timeline.possibleTimes(life, startedAt).some((fromUs) => Math.abs(atUs - fromUs) <= reachUs);
  }

  #judge(view: RunView, decision: Decision, output: OutputView, where: JsonObject): void {
    const { record, rows } = view;
    const { runId, subject, policyHash } = record;
    const policy = this.#facts.policies.get(policyHash);
    if (!policy) return;
    const stranger = this.#strangerIn(
      decision,
      rows.map(({ id }) => id),
    );
    if (stranger !== null) {
      this.#say("The guard accepted evidence that is not of its own run.", {
        ...where,
        runId,
        evidence: stranger,
      });
      return;
    }
    const verdict = judgeEvidence({
      rows,
      decision: decision.row,
      // The output as the run's own policy states it: another release may ask for more.
      demand: policy.demandOf(policy.output(output.name) ?? output, subject),
      runId,
      subject,
      deviceId: this.#facts.device.deviceId,
      reads: this.#reads,
      timeline: this.#facts.timeline,
      sentCommands: this.#sentCommands,
    });
    if (!verdict.ok)
      this.#say(`An effect passed the guard with ${verdict.why}.`, { ...where, runId, ...verdict.details });
  }

  #strangerIn(decision: Decision, own: readonly string[]): string | null {
    const { valid } = payloadOf(decision.row);
    if (!Array.isArray(valid)) return null;
    return valid.map(String).find((id) => !own.includes(id)) ?? null;
  }

  /** The run of a move may have been cut before it settled; then the next boot knows of it, or nothing was synced since. */
  #isUnsettled({ atUs, boot }: LineMove, { name }: OutputView): boolean {
    const { openRuns, device, timeline } = this.#facts;
    const lists = (outputs: unknown): boolean => Array.isArray(outputs) && outputs.includes(name);
    const life = timeline.life(boot);
    if (life === null) return false;
    const began = (startedAt: unknown): boolean => {
      const fromUs = typeof startedAt === "number" ? timeline.ofWall(life, startedAt) : null;
      return fromUs === null || fromUs <= atUs + TICK_US;
    };
    if (openRuns.some(({ outputs, startedAt }) => lists(outputs) && began(startedAt))) return true;
    const isUnknown = this.#acts.some(
      ({ kind, data }) => kind === "effect_outcome_unknown" && lists(data.outputs) && began(data.startedAt),
    );
    if (isUnknown) return true;
    if (life.end !== "power" && life.untilUs !== null) return false;
    if (!device.isDiskHonest) return true;
    const endUs = life.untilUs ?? this.#context.nowUs;
    const lastSyncUs = device.syncs.findLast((at) => at <= endUs) ?? Number.NEGATIVE_INFINITY;
    return lastSyncUs < atUs + UNSYNCED_US;
  }

  /** Without its evidence an effect can still be held against the hardware: something must have been read. */
  #blind({ atUs, boot, line }: LineMove, output: OutputView): void {
    const { demand, isBefore, name } = output;
    const where = { line, atUs, boot, output: name };
    const fromUs = this.#facts.timeline.life(boot)?.fromUs ?? 0;
    const readFromUs = Math.max(fromUs, atUs - Math.min(demand.maxAgeMs, 600_000) * 1000 - TICK_US);
    const isSensed = demand.requiredKinds.some((kind) => /_read$|sensor_reading/.test(kind));
    if (isSensed && !this.#reads.isAnyReadWithin(readFromUs, atUs + TICK_US))
      this.#say("An output left its safe state and nothing had been read.", where);
    if (!isBefore || !this.#facts.device.isDiskHonest) return;
    const life = this.#facts.timeline.life(boot);
    const hasIntent = this.#acts.some(({ kind, data, ts }) => {
      if (kind !== "effect_intent" || data.output !== name || life === null) return false;
      return this.#facts.timeline.canHaveShown(life, ts, atUs);
    });
    if (!hasIntent)
      this.#say("An output of durability `before` moved and its intent is not in the ledger.", where);
  }

  /** Every effect that a record calls done: a decision that passed, and evidence for it. */
  async #run(run: RunRecord): Promise<void> {
    if (run.outcome.effects.every(({ outcome }) => outcome !== "ok")) return;
    const view = await this.#view(run);
    const { runId } = run;
    if (view === null) return void this.#say("A run made effects and left no evidence.", { runId });
    const left = new Map<string, Decision[]>();
    for (const { capability, args, outcome } of run.outcome.effects) {
      const output = outputOfArgs(this.#facts, run, args);
      if (outcome !== "ok" || output === null) continue;
      const where = { runId, output: output.name, capability, atUs: view.fromUs };
      if (!ownsOutput(this.#facts, run, output.name)) {
        this.#say("A run drove an output that its program does not list.", where);
        continue;
      }
      if (isJsonObject(args) && output.safe !== null && args.value === output.safe) continue;
      const decisions =
        left.get(output.name) ?? decisionsOf(this.#facts, view, output.name).filter(({ ok }) => ok);
      const [decision, ...rest] = decisions;
      left.set(output.name, rest);
      if (decision === undefined) this.#say("A run made an effect without its guard's consent.", where);
      else this.#judge(view, decision, output, where);
    }
  }

  /** A run's list of evidence names only its own. */
  #leaks(): void {
    const owners = new Map<string, string>();
    for (const { runId, evidence } of this.#facts.runs) {
      for (const id of evidence) {
        const owner = owners.get(id);
        if (owner !== undefined && owner !== runId)
          this.#say("Two runs name the same evidence as theirs.", { runId, other: owner, evidence: id });
        owners.set(id, runId);
      }
    }
  }

  /** Whatever the device published on an output's topic, a settled run published. */
  #publications(): void {
    const { device } = this.#facts;
    const made = new Set<string>();
    const roots = [...this.#facts.policies.values()].flatMap(({ outputs }) =>
      outputs.flatMap(({ uri }) => (uri.startsWith("mqtt://") ? topicOf(uri) : [])),
    );
    for (const run of this.#facts.runs) {
      for (const { args, outcome } of run.outcome.effects) {
        const output = outputOfArgs(this.#facts, run, args);
        if (outcome !== "ok" || output === null || !isJsonObject(args) || !output.uri.startsWith("mqtt://"))
          continue;
        made.add(publicationKey(topicOf(output.uri), args));
      }
    }
    if (!device.isDiskHonest) return;
    for (const message of this.#context.messages) {
      const { topic, payload, atUs } = message;
      if (!isFrom(message, device)) continue;
      const root = roots.find((one) => topic === one || topic.startsWith(`${one}/`));
      if (root === undefined || made.has(`${topic}\n${fromUtf8(payload)}`)) continue;
      this.#say("A message left on an output's topic that no settled run published.", { topic, atUs });
    }
  }
}

interface Act {
  readonly kind: string;
  readonly data: JsonObject;
  readonly ts: number;
}

function actsOf({ device, epoch, entries }: DeviceFacts): readonly Act[] {
  const first = entries[0]?.index ?? Number.POSITIVE_INFINITY;
  const pruned = (device.ledger?.acts ?? []).filter((act) => act.epoch === epoch && act.index < first);
  return [...pruned, ...entries.map(({ entry }) => entry)].map(({ event, ts }) => ({
    kind: String(event.kind),
    data: isJsonObject(event.data ?? null) ? (event.data as JsonObject) : {},
    ts,
  }));
}

/** `mqtt://<broker>/<topic>`. */
export const topicOf = (uri: string): string => uri.slice(uri.indexOf("/", "mqtt://".length) + 1);

/** Topic and body of a publication as the broker sees them. */
export function publicationKey(root: string, args: JsonObject): string {
  const { subtopic } = args;
  const topic = typeof subtopic === "string" && subtopic !== "" ? `${root}/${subtopic}` : root;
  return `${topic}\n${canonicalize(args.payload ?? null)}`;
}

export const effectInvariant: Invariant = {
  id: "I1",
  async check(context) {
    for (const facts of context.facts) await new EffectCheck(context, facts).all();
  },
};
