import { CodedError } from "../../firmware/core/errors.ts";
import { type ChannelConfig, type Measurement, type Reading, sensorFault } from "./sensor.ts";

interface Seen {
  readonly value: number;
  readonly atMs: number;
  /** Since when the value has been exactly this one. */
  readonly sinceMs: number;
}

/** Range, step and frozen-value checks of one channel (capabilities.md 11, "sensor.read"). Keeps the last good value. */
export class Plausibility {
  readonly #source: string;
  #last: Seen | null = null;

  constructor(source: string) {
    this.#source = source;
  }

  /** @throws CodedError `reading_out_of_range`, `sensor_fault`. */
  check(channel: ChannelConfig, measured: Measurement, nowMs: number): Reading {
    const value = measured.value * (channel.scale ?? 1) + (channel.offset ?? 0);
    if (!Number.isFinite(value)) throw sensorFault(this.#source, "not a number");
    this.#checkRange(channel, value);
    const last = this.#last;
    const frozenSince = last && last.value === value ? last.sinceMs : nowMs;
    this.#checkStep(channel, value, nowMs);
    this.#last = { value, atMs: nowMs, sinceMs: frozenSince };
    if (channel.frozenAfterMs !== undefined && nowMs - frozenSince >= channel.frozenAfterMs) {
      throw sensorFault(this.#source, "frozen", { value, forMs: Math.floor(nowMs - frozenSince) });
    }
    return {
      value,
      unit: channel.unit ?? measured.unit,
      ...(measured.raw === undefined ? {} : { raw: measured.raw }),
      quality: channel.maxStepPerS !== undefined && !last ? "suspect" : "ok",
    };
  }

  #checkRange({ min, max }: ChannelConfig, value: number): void {
    if ((min === undefined || value >= min) && (max === undefined || value <= max)) return;
    throw new CodedError("reading_out_of_range", `${this.#source}: ${value} is outside the declared range`, {
      status: 500,
      details: {
        source: this.#source,
        value,
        ...(min === undefined ? {} : { min }),
        ...(max === undefined ? {} : { max }),
      },
    });
  }

  /** The reference moves to the new value even when the step is refused: a real jump is refused once, not for ever. */
  #checkStep({ maxStepPerS }: ChannelConfig, value: number, nowMs: number): void {
    const last = this.#last;
    if (maxStepPerS === undefined || !last) return;
    // Within one second the whole allowance of a second applies: noise does not scale with time.
    const seconds = Math.max(1, (nowMs - last.atMs) / 1000);
    const step = Math.abs(value - last.value);
    if (step <= maxStepPerS * seconds) return;
    this.#last = { value, atMs: nowMs, sinceMs: nowMs };
    throw sensorFault(this.#source, "step", { value, previous: last.value });
  }
}
