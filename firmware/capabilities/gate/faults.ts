/** Maps whatever a driver throws to the stable codes of the wrapper (capabilities.md 4 and 11). */
import { CodedError, type Refusal, refusal } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { ResourceRequired } from "../../core/resource-required.ts";

const STATUS: Readonly<Record<string, number>> = {
  io_error: 500,
  io_timeout: 503,
  io_aborted: 409,
  effect_unknown: 503,
  nack: 500,
  bus_stuck: 500,
  framing: 500,
  sensor_fault: 500,
  reading_out_of_range: 500,
  readback_mismatch: 500,
  target_busy: 409,
  store_unavailable: 503,
  value_out_of_range: 422,
};
/** Members of a fault's details that may be told; everything else could hold paths or secrets. */
const TOLD = ["bus", "target", "address", "errno", "limit", "fault", "unit", "value", "min", "max"] as const;

/** A fault as a refusal, and whether the bus was touched. */
export interface Fault {
  readonly refusal: Refusal;
  readonly touched: boolean;
  /** True for what no driver should throw: worth an alert. */
  readonly internal: boolean;
}

export function mapFault(error: unknown, target: string): Fault {
  if (error instanceof ResourceRequired) {
    return { refusal: refusal("resource_required", 428, error.details), touched: false, internal: false };
  }
  if (error instanceof CodedError && Object.hasOwn(STATUS, error.code)) {
    const told: [string, Json][] = [["target", target]];
    for (const name of TOLD) {
      const value = error.details[name];
      if (value !== undefined) told.push([name, value]);
    }
    const details: JsonObject = Object.fromEntries(told);
    return {
      refusal: refusal(error.code, STATUS[error.code] ?? 500, details),
      touched: error.details.touched !== false,
      internal: false,
    };
  }
  return {
    refusal: refusal("io_error", 500, { kind: "internal", target }),
    touched: true,
    internal: true,
  };
}
