/** The one error of a log that cannot be written now (ledger.md 2). */
import { CodedError, codeOf } from "../core/errors.ts";

export function unavailable(message: string, cause?: unknown): CodedError {
  const details = cause === undefined ? {} : { cause: codeOf(cause) };
  return new CodedError("ledger_unavailable", message, { status: 503, cause, details });
}
