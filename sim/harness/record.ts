/**
 * Turns what a real device recorded into a scenario (simulator.md 12): its readings become signals of the world, wired
 * to the same channels, with its policy and its programs. The simulated device then meets the same incident again.
 */
import type { Config } from "../../firmware/composition/config-schema.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { Evidence } from "../../firmware/evidence/types.ts";
import type { FullRunRecord } from "../../firmware/runs/index.ts";
import { durationText } from "../scenario/duration.ts";
import { NODE_NAME } from "../scenario/schema-world.ts";
import { type Channels, outagesOf, samplesOf, signalNode, startOf } from "./record-signals.ts";
import { RecordedWiring, targetOfUri } from "./record-wiring.ts";
import { WALL_ZERO_MS } from "./wall-zero.ts";

/** A recorded run with its program and its evidence. */
export interface RecordedRun {
  readonly record: FullRunRecord;
  readonly program: JsonObject;
  readonly evidence: readonly Evidence[];
}

export interface RecordInput {
  readonly name: string;
  readonly config: Pick<Config, "board" | "fleet" | "sensors" | "lines">;
  /** Other members of imud.yaml that the scenario takes over. */
  readonly settings: JsonObject;
  readonly policy: JsonObject;
  readonly deviceId: string;
  /** In any order; those of the newest boot among them are used. */
  readonly runs: readonly RecordedRun[];
}

export interface Recorded {
  readonly document: JsonObject;
  readonly runs: number;
  /** What of the incident the scenario does not hold, for people. */
  readonly notes: readonly string[];
}

const DEVICE = "replay-001";
const US_PER_S = 1_000_000;
/** From power-on until a program with an interval is armed. */
const START_MS = 40;
const PLAUSIBLE_WALL_MS = 1_600_000_000_000;

const bootOf = ({ evidence }: RecordedRun): string | null => evidence[0]?.body.bootId ?? null;

/** Runs of the newest boot, in the order in which they started. */
function lifeOf(runs: readonly RecordedRun[], notes: string[]): readonly RecordedRun[] {
  const timed = runs.filter((run) => startOf(run) !== null);
  const newest = timed.reduce<RecordedRun | null>(
    (last, run) => (last === null || run.record.runId > last.record.runId ? run : last),
    null,
  );
  if (newest === null)
    throw new CodedError("not_found", "There is no recorded run with evidence in this time.", {
      status: 404,
    });
  const life = timed.filter((run) => bootOf(run) === bootOf(newest));
  const others = timed.length - life.length;
  if (others > 0) notes.push(`${others} runs of earlier boots are left out: a scenario begins with a boot`);
  return [...life].sort((a, b) => (startOf(a) ?? 0) - (startOf(b) ?? 0));
}

const rowsOf = (value: Json | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];

function channelsOf({ policy, config }: RecordInput): Channels {
  const lines = new Map(config.lines.map((line) => [line.uri, line.debounceMs]));
  return {
    uriOf: new Map(rowsOf(policy.bindings).map(({ name, uri }) => [String(name), String(uri)])),
    debounceMs: (uri) => lines.get(uri) ?? 0,
  };
}

/** Interval of the program that ran first; null if it has none. */
function intervalOf({ program }: RecordedRun): number | null {
  const found = rowsOf(program.triggers).find(
    ({ on, everyMs }) => on === "interval" && typeof everyMs === "number",
  );
  return found ? Number(found.everyMs) : null;
}

/** µs since boot at which the scenario begins: so that the first run comes at its time after the simulated boot. */
function beginOf(life: readonly RecordedRun[]): number {
  const [first] = life;
  const startUs = (first && startOf(first)) ?? 0;
  const leadUs = ((first && intervalOf(first)) ?? 1000) * 1000 + START_MS * 1000;
  return startUs > 2 * leadUs ? startUs - leadUs : 0;
}

/** Names of nodes: those of the bindings, or numbered. */
function nodeNames({ policy }: RecordInput): (uri: string) => string {
  const names = new Map(rowsOf(policy.bindings).map(({ name, uri }) => [String(uri), String(name)]));
  let unnamed = 0;
  return (uri) => {
    const name = names.get(uri) ?? "";
    return new RegExp(NODE_NAME).test(name) ? name : `signal${++unnamed}`;
  };
}

/** The policy of another device, with the placeholders of a template, and in force at the simulated time. */
function policyOf({ policy, deviceId }: RecordInput, notes: string[]): JsonObject {
  const text = JSON.stringify(policy).replaceAll(deviceId, "{device}");
  const template = JSON.parse(text) as JsonObject;
  const { notBefore, expiresAt } = template;
  const isLater = typeof notBefore === "number" && notBefore > WALL_ZERO_MS;
  const isOver = typeof expiresAt === "number" && expiresAt <= WALL_ZERO_MS;
  if (!isLater && !isOver) return template;
  notes.push("the policy's dates are changed: simulated time begins in November 2023");
  return { ...template, issuedAt: WALL_ZERO_MS, notBefore: WALL_ZERO_MS, expiresAt: null };
}

/** Runs that a person or an operator started are started again. */
function startsOf(life: readonly RecordedRun[], beginUs: number): readonly JsonObject[] {
  return life.flatMap((run) => {
    const { trigger, program, payload } = run.record;
    if (!isJsonObject(trigger) || trigger.kind !== "command") return [];
    const at = durationText(Math.max(0, (startOf(run) ?? 0) - beginUs));
    return [{ at, do: "run", device: DEVICE, program: program.name, payload: payload as Json }];
  });
}

const REPLAYED = /^(sensor\.read|gpio\.read|gpio\.write|mqtt\.publish|clock\.now)$/;

function noteOthers(life: readonly RecordedRun[], notes: string[]): void {
  const others = new Set<string>();
  for (const { record } of life)
    for (const call of record.journal)
      if (call.t === "call" && !REPLAYED.test(call.capability)) others.add(call.capability);
  if (others.size > 0)
    notes.push(`answers of ${[...others].sort().join(", ")} come from an empty device, not from the record`);
}

/** @throws CodedError `not_found` (404) if no run with evidence is among those given. */
export function recordScenario(input: RecordInput): Recorded {
  const { config, name } = input;
  const notes: string[] = [];
  const life = lifeOf(input.runs, notes);
  const beginUs = beginOf(life);
  const channels = channelsOf(input);
  const samples = samplesOf(life, channels);
  const wiring = new RecordedWiring();
  const nodeName = nodeNames(input);
  for (const [uri, list] of samples) {
    const node = signalNode(list, beginUs);
    const sensor = config.sensors.find((row) => row.uri === uri);
    const line = config.lines.find((row) => row.uri === uri);
    const isWired = sensor
      ? wiring.sensor(sensor, nodeName(uri), node)
      : wiring.line(line ?? { uri }, nodeName(uri), node);
    if (!isWired) notes.push(`${uri} is left out: no model measures it`);
  }
  for (const { uri, safe } of rowsOf(input.policy.outputs))
    wiring.output(
      String(uri),
      config.lines.find((row) => row.uri === uri),
      safe ?? null,
    );
  const faults = faultsOf(outagesOf(life, samples, channels), beginUs);
  noteOthers(life, notes);
  const lastUs = life.reduce(
    (last, run) => Math.max(last, (startOf(run) ?? 0) + run.record.wallMs * 1000),
    0,
  );
  const timeline = [...faults, ...startsOf(life, beginUs)];
  const document: JsonObject = {
    name,
    description: `Recorded from ${input.deviceId}: ${life.length} runs.`,
    seed: 1,
    duration: durationText(Math.ceil((lastUs - beginUs) / US_PER_S + 1) * US_PER_S),
    fleet: { id: config.fleet, root: "sim" },
    devices: [deviceOf(input, life, wiring, notes)],
    world: wiring.world,
    ...(timeline.length === 0 ? {} : { timeline: [...timeline] }),
    expect: [{ eventually: "count(run) + count(run_rollup) > 0" }],
  };
  return { document, runs: life.length, notes };
}

function deviceOf(
  input: RecordInput,
  life: readonly RecordedRun[],
  { wiring }: RecordedWiring,
  notes: string[],
): JsonObject {
  const programs = new Map(life.map(({ program, record }) => [record.program.name, program]));
  const wallMs = life[0]?.evidence[0]?.body.ts ?? 0;
  return {
    prefix: "replay-",
    board: input.config.board,
    policy: policyOf(input, notes),
    programs: [...programs.values()],
    ppm: 0,
    rtc: wallMs > PLAUSIBLE_WALL_MS,
    config: input.settings,
    wiring: [...wiring],
    sensors: input.config.sensors.map((row) => ({ ...row })),
    lines: input.config.lines.map((row) => ({ ...row })),
  };
}

function faultsOf(outages: ReturnType<typeof outagesOf>, beginUs: number): readonly JsonObject[] {
  return [...outages].flatMap(([uri, spans]) => {
    const target = targetOfUri(uri);
    if (target === null) return [];
    return spans.map(({ fromUs, toUs }) => ({
      at: durationText(Math.max(0, fromUs - beginUs)),
      fault: "bus",
      device: DEVICE,
      target,
      kind: "disappear",
      for: durationText(Math.max(1000, toUs - fromUs)),
    }));
  });
}
