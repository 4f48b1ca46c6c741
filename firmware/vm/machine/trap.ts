/**
 * A failure of a program (vm.md 5), thrown inside the machine only. Not an `Error`: a program may raise one every few
 * steps, and collecting a host stack each time would break the slice bound.
 */
import type { JsonObject } from "../../core/json.ts";

export class Trap {
  readonly code: string;
  readonly reason: string;
  readonly status: number;
  readonly details: JsonObject;
  readonly catchable: boolean;

  constructor(code: string, reason: string, status: number, details: JsonObject, catchable: boolean) {
    this.code = code;
    this.reason = reason;
    this.status = status;
    this.details = details;
    this.catchable = catchable;
  }
}

/** `vm_error` 500 with a reason of vm.md 3 and 4; catchable. */
export const vmError = (reason: string): Trap => new Trap("vm_error", reason, 500, {}, true);

/** `quota_exceeded` 429, never catchable. `needed` is the charge that was refused, `used` what was spent before it. */
export const quotaError = (reason: string, limit: number, used: number, needed: number): Trap =>
  new Trap("quota_exceeded", reason, 429, { limit, used, needed }, false);

export const bytesTooLong = (): Trap => vmError("value_too_large");

const UNCATCHABLE: ReadonlySet<string> = new Set([
  "quota_exceeded",
  "run_cut",
  "vm_internal",
  // A shadow run cannot go on from an answer nobody recorded.
  "replay_missing_input",
]);

/** The failure a refused or failed capability call raises in the program. */
export const callTrap = (error: {
  readonly code: string;
  readonly reason: string;
  readonly status: number;
  readonly details: JsonObject;
}): Trap => new Trap(error.code, error.reason, error.status, error.details, !UNCATCHABLE.has(error.code));
