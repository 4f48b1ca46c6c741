import type { JsonObject } from "./json.ts";

export interface CodedErrorOptions {
  /** HTTP-like status of codes.md: 200, 202, 400, 403, 404, 409, 412, 422, 428, 429, 500, 503. */
  readonly status?: number;
  /** Plain data without secrets, paths of the host or stack traces. */
  readonly details?: JsonObject;
  readonly cause?: unknown;
}

/**
 * The root of every error of this project: a stable snake_case `code`, a message that says what to do,
 * a status for replies and structured details. Callers switch on `code`, never on text.
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly status: number;
  readonly details: JsonObject;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.status = options.status ?? 500;
    this.details = options.details ?? {};
  }
}

/** An expected negative answer. Refusals are values: returned, recorded and counted, not thrown. */
export interface Refusal {
  readonly ok: false;
  readonly code: string;
  readonly status: number;
  /** The precise code where `code` is an umbrella (`policy_denied`), else equal to `code`. */
  readonly reason: string;
  readonly details: JsonObject;
}

export function refusal(code: string, status: number, details: JsonObject = {}, reason = code): Refusal {
  return { ok: false, code, status, reason, details };
}

/** A message for people out of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function codeOf(error: unknown): string {
  return error instanceof CodedError ? error.code : "internal";
}
