/** What a device measured, taken out of the evidence and the journals of its runs. */
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { durationText } from "../scenario/duration.ts";
import type { RecordedRun } from "./record.ts";

/** One reading of one channel. */
export interface Sample {
  /** µs since the device's boot. */
  readonly atUs: number;
  readonly value: number;
  /** The moment of the change itself is known: an edge has told it. */
  readonly isEdge: boolean;
}

/** A time in which a channel could not be read. */
export interface Outage {
  readonly fromUs: number;
  readonly toUs: number;
}

/** `sim://i2c/1/0x48/ch0` of simulated evidence is `i2c://1/0x48/ch0`. */
export const realUri = (source: string): string => source.replace(/^sim:\/\/([a-z0-9]+)\//, "$1://");

/** An edge has been stable for its debouncing when its program starts. */
const START_US = 1000;
const READING = /^(sensor_reading|gpio_read)$/;

const numeric = (value: Json | undefined): number | null =>
  typeof value === "number" ? value : typeof value === "boolean" ? Number(value) : null;

/** µs since boot at which a run started, from its first piece of evidence; null for a run without any. */
export const startOf = ({ evidence }: RecordedRun): number | null => {
  const [first] = evidence;
  return first ? first.body.monoMs * 1000 : null;
};

export interface Channels {
  /** URI by the name that programs use. */
  readonly uriOf: ReadonlyMap<string, string>;
  readonly debounceMs: (uri: string) => number;
}

function edgeOf(run: RecordedRun, { uriOf, debounceMs }: Channels): readonly [string, Sample] | null {
  const { trigger } = run.record;
  const startUs = startOf(run);
  if (startUs === null || !isJsonObject(trigger) || trigger.kind !== "gpio") return null;
  const value = numeric(trigger.value);
  const line = String(trigger.line);
  const uri = uriOf.get(line) ?? line;
  if (value === null) return null;
  const atUs = Math.max(0, startUs - debounceMs(uri) * 1000 - START_US);
  return [uri, { atUs, value, isEdge: true }];
}

/** Readings by the URI of their channel, in order of time. */
export function samplesOf(
  runs: readonly RecordedRun[],
  channels: Channels,
): ReadonlyMap<string, readonly Sample[]> {
  const all = new Map<string, Sample[]>();
  const add = (uri: string, sample: Sample): void => {
    const list = all.get(uri) ?? [];
    all.set(uri, list);
    list.push(sample);
  };
  for (const run of runs) {
    const edge = edgeOf(run, channels);
    if (edge) add(...edge);
    for (const { body } of run.evidence) {
      const payload = body.payload ?? null;
      const value = READING.test(body.kind) && isJsonObject(payload) ? numeric(payload.value) : null;
      if (value !== null) add(realUri(body.source), { atUs: body.monoMs * 1000, value, isEdge: false });
    }
  }
  for (const list of all.values()) list.sort((a, b) => a.atUs - b.atUs);
  return all;
}

/** Input of a failed read; null for every other call. */
function failedInput(call: JsonObject): string | null {
  const { capability, ok, args } = call;
  const isRead = capability === "sensor.read" || capability === "gpio.read";
  if (call.t !== "call" || ok !== false || !isRead || !isJsonObject(args ?? null)) return null;
  return String((args as JsonObject).input);
}

/** When each channel could not be read: from half-way after the last good reading to half-way before the next one. */
export function outagesOf(
  runs: readonly RecordedRun[],
  samples: ReadonlyMap<string, readonly Sample[]>,
  { uriOf }: Channels,
): ReadonlyMap<string, readonly Outage[]> {
  const failures = new Map<string, number[]>();
  for (const run of runs) {
    const atUs = startOf(run);
    if (atUs === null) continue;
    for (const call of run.record.journal) {
      const input = failedInput({ ...call } as JsonObject);
      const uri = input === null ? undefined : uriOf.get(input);
      if (uri !== undefined) failures.set(uri, [...(failures.get(uri) ?? []), atUs]);
    }
  }
  return new Map([...failures].map(([uri, times]) => [uri, spans(times, samples.get(uri) ?? [])]));
}

function spans(failures: readonly number[], good: readonly Sample[]): readonly Outage[] {
  const outages: Outage[] = [];
  for (const atUs of failures) {
    const before = good.filter((sample) => sample.atUs <= atUs).at(-1)?.atUs ?? 0;
    const after = good.find((sample) => sample.atUs > atUs)?.atUs ?? atUs + 2 * (atUs - before);
    const span = { fromUs: Math.floor((before + atUs) / 2), toUs: Math.ceil((atUs + after) / 2) };
    const last = outages.at(-1);
    if (last && last.toUs >= span.fromUs)
      outages[outages.length - 1] = { ...last, toUs: Math.max(last.toUs, span.toUs) };
    else outages.push(span);
  }
  return outages;
}

/**
 * A node of the world that has each recorded value around the time at which it was read, so that the same reading at
 * nearly the same time gives the same value; between two readings it changes half-way, at an edge when that came.
 */
export function signalNode(samples: readonly Sample[], beginUs: number): JsonObject {
  const schedule: { at: string; value: number }[] = [];
  let lastUs = -1;
  for (const [index, { atUs, value, isEdge }] of samples.entries()) {
    const before = samples[index - 1];
    if (before?.value === value) continue;
    const changeUs = before === undefined ? beginUs : isEdge ? atUs : Math.floor((before.atUs + atUs) / 2);
    const us = Math.max(lastUs + 1, changeUs - beginUs, 0);
    lastUs = us;
    schedule.push({ at: durationText(us), value });
  }
  return { kind: "signal", base: { schedule, mode: "step" } };
}
