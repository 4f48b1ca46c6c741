import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Hardware } from "../../firmware/ports/hardware.ts";

/** `ok`: all checks passed. `suspect`: plausible, yet without enough history to check the rate of change. */
export type ReadingQuality = "ok" | "suspect";

export interface Reading {
  readonly value: number;
  readonly unit: string;
  /** The converter's code, where there is one. */
  readonly raw?: number;
  readonly quality: ReadingQuality;
}

/** What a board or policy declares about one sensor channel. Limits left out are not checked. */
export interface ChannelConfig {
  readonly driver: "bme280" | "sht31" | "ads1115" | "mcp3008" | "nmea" | "switch";
  /** Quantity of the device; default: the last segment of the URI. */
  readonly quantity?: string;
  readonly unit?: string;
  /** value = measured · scale + offset, before the checks. */
  readonly scale?: number;
  readonly offset?: number;
  /** Declared range; a value outside is refused, never clamped. */
  readonly min?: number;
  readonly max?: number;
  /** Largest believable change per second. */
  readonly maxStepPerS?: number;
  /** A value that has not changed at all for this long is a frozen sensor. */
  readonly frozenAfterMs?: number;
  /** Reference voltage of a converter. */
  readonly vref?: number;
  readonly baudRate?: number;
  readonly activeLow?: boolean;
  readonly bias?: "none" | "pull-up" | "pull-down";
}

export interface SensorContext {
  readonly hardware: Hardware;
  readonly clock: Clock;
}

/** One sensor behind one channel of one bus. The same code runs on real and simulated hardware. */
export interface SensorDriver extends AsyncDisposable {
  /**
   * One measurement, compensated and checked.
   * @throws CodedError `sensor_fault` (the device contradicts itself), `reading_out_of_range`, and the bus errors of
   *   ports/hardware.ts; ResourceRequired when the bus is missing.
   */
  read(channel: ChannelConfig, signal: AbortSignal): Promise<Reading>;
}

/** What a device driver supplies before scale, range, step and frozen checks. */
export interface Measurement {
  readonly value: number;
  readonly unit: string;
  readonly raw?: number;
}

/** A device contradicts its data sheet or itself: wrong chip, stuck line, skipped or frozen value. */
export function sensorFault(
  source: string,
  why: string,
  details: Record<string, number | string> = {},
): CodedError {
  return new CodedError("sensor_fault", `${source}: ${why}`, {
    status: 500,
    details: { source, why, ...details },
  });
}
