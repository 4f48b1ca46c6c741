import { CodedError } from "../../firmware/core/errors.ts";

/** The operating system's error name, also where a package only puts it into the message. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if ("code" in error && typeof error.code === "string") return error.code;
  if (/cannot lock port|temporarily unavailable/i.test(error.message)) return "EBUSY";
  return (
    /\b(E[A-Z0-9]{3,})\b/.exec(error.message)?.[1] ??
    (/permission denied/i.test(error.message) ? "EACCES" : "")
  );
}

const CODES: Readonly<Record<string, string>> = {
  ENXIO: "nack",
  EREMOTEIO: "nack",
  ETIMEDOUT: "io_timeout",
  EBUSY: "target_busy",
};

/** A native error as a port's error; what has no better name is `io_error`. */
export function hardwareError(error: unknown, target: string, touched: boolean): CodedError {
  if (error instanceof CodedError) return error;
  const errno = errnoOf(error);
  const code = CODES[errno] ?? "io_error";
  return new CodedError(code, `${target}: ${errno || "input/output error"}`, {
    status: code === "target_busy" ? 409 : 500,
    details: { target, touched, ...(errno ? { errno } : {}) },
    cause: error,
  });
}

/** The call ended because its caller gave up. */
export function aborted(target: string, touched: boolean, reason: unknown): CodedError {
  return new CodedError("io_aborted", `${target}: given up by the caller`, {
    status: 500,
    details: { target, touched },
    cause: reason,
  });
}
