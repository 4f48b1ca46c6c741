/** Live samples before activation, and drift of their content (evidence.md 15). */
import { hashJson } from "../core/hash.ts";
import type { Json } from "../core/json.ts";
import { SAMPLING_LIMITS } from "../core/limits.ts";
import { type Check, type Failed, failed } from "./check.ts";

export interface SampledChannel {
  readonly name: string;
  readonly type: "number" | "integer" | "string" | "boolean";
  readonly required: boolean;
  readonly min?: number;
  readonly max?: number;
  /** Largest change per second. */
  readonly maxStepPerS?: number;
  readonly order?: "ascending" | "descending";
  /** Smallest difference between the largest and the smallest sample; below it the channel is frozen. */
  readonly minSpread?: number;
}

export interface SamplingSpec {
  readonly channels: readonly SampledChannel[];
  /** 8..200 in policy. */
  readonly minSamples: number;
}

export interface Sample {
  /** ms. */
  readonly ts: number;
  readonly values: Readonly<Record<string, Json>>;
}

/** How the samples were fetched; ms and bytes. */
export interface Fetched {
  readonly tookMs: number;
  readonly bytes: number;
}

const sampled = (sample: Sample, name: string): Json | undefined =>
  Object.hasOwn(sample.values, name) ? sample.values[name] : undefined;

const absent = (value: Json | undefined): boolean => value === undefined || value === null || value === "";

function hasType(value: Json | undefined, type: SampledChannel["type"]): boolean {
  if (type === "integer") return Number.isInteger(value);
  return type === "number" ? typeof value === "number" && Number.isFinite(value) : typeof value === type;
}

function tooFast(channel: SampledChannel, sample: Sample, before: Sample | undefined): boolean {
  const now = sampled(sample, channel.name);
  const then = before && sampled(before, channel.name);
  if (channel.maxStepPerS === undefined || !before) return false;
  if (typeof now !== "number" || typeof then !== "number") return false;
  const elapsedS = (sample.ts - before.ts) / 1000;
  if (elapsedS < 0) return false; // Falling time is a fault of its own.
  return Math.abs(now - then) > channel.maxStepPerS * elapsedS + 1e-9;
}

function rowFault(channel: SampledChannel, sample: Sample, before: Sample | undefined): string | null {
  const value = sampled(sample, channel.name);
  if (absent(value)) return channel.required ? "missing" : null;
  if (!hasType(value, channel.type)) return "type";
  if (typeof value === "number") {
    if (channel.min !== undefined && value < channel.min) return "min";
    if (channel.max !== undefined && value > channel.max) return "max";
  }
  return tooFast(channel, sample, before) ? "rate" : null;
}

function checkRows({ channels }: SamplingSpec, samples: readonly Sample[]): Failed | null {
  for (const [index, sample] of samples.entries()) {
    for (const channel of channels) {
      const why = rowFault(channel, sample, samples[index - 1]);
      if (why) return failed("runtime_row", { index, channel: channel.name, why });
    }
  }
  return null;
}

function outOfOrder(channel: SampledChannel, sample: Sample, before: Sample): boolean {
  const now = sampled(sample, channel.name);
  const then = sampled(before, channel.name);
  if (channel.order === undefined || typeof now !== "number" || typeof then !== "number") return false;
  return channel.order === "ascending" ? now < then : now > then;
}

function checkOrder({ channels }: SamplingSpec, samples: readonly Sample[]): Failed | null {
  for (const [index, sample] of samples.entries()) {
    const before = samples[index - 1];
    if (!before) continue;
    if (!(sample.ts >= before.ts)) return failed("runtime_sort", { index, channel: "ts" });
    const unsorted = channels.find((channel) => outOfOrder(channel, sample, before));
    if (unsorted) return failed("runtime_sort", { index, channel: unsorted.name });
  }
  return null;
}

function isFrozen({ name, minSpread }: SampledChannel, samples: readonly Sample[]): boolean {
  if (minSpread === undefined) return false;
  const values = samples.flatMap((sample) => {
    const value = sampled(sample, name);
    return typeof value === "number" ? [value] : [];
  });
  return !(Math.max(...values) - Math.min(...values) + 1e-9 >= minSpread);
}

/**
 * Refusals: runtime_fetch, runtime_row {index, channel, why}, runtime_sort {index, channel}, runtime_frozen.
 */
export function checkSamples(
  spec: SamplingSpec,
  samples: readonly Sample[],
  fetched: Fetched = { tookMs: 0, bytes: 0 },
): Check<{ readonly sampled: number }> {
  const slow = fetched.tookMs > SAMPLING_LIMITS.timeoutMs || fetched.bytes > SAMPLING_LIMITS.maxBytes;
  if (slow || samples.length < spec.minSamples) {
    return failed("runtime_fetch", { need: spec.minSamples, have: samples.length, ...fetched });
  }
  const failure = checkRows(spec, samples) ?? checkOrder(spec, samples);
  if (failure) return failure;
  const frozen = spec.channels.find((channel) => isFrozen(channel, samples));
  return frozen ? failed("runtime_frozen", { channel: frozen.name }) : { ok: true, sampled: samples.length };
}

export type DriftEvent = "runtime_content_hash" | "runtime_no_drift" | "runtime_drift_detected";

/**
 * `previous` is read before the new hash is stored. Refusal `runtime_drift` {prev, now} with `blockOnDrift`.
 */
export function checkDrift(
  previous: string | null,
  content: Json,
  blockOnDrift: boolean,
): Check<{ readonly event: DriftEvent; readonly hash: string }> {
  const hash = hashJson(content);
  if (previous === null) return { ok: true, event: "runtime_content_hash", hash };
  if (previous === hash) return { ok: true, event: "runtime_no_drift", hash };
  if (blockOnDrift) return failed("runtime_drift", { prev: previous, now: hash });
  return { ok: true, event: "runtime_drift_detected", hash };
}
