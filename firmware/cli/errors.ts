/** Errors as a person reads them: code, what happened, what to do. */
import { CodedError, messageOf } from "../core/errors.ts";
import type { Json } from "../core/json.ts";
import { ResourceRequired } from "../core/resource-required.ts";
import { safe } from "./text.ts";

/** The command line itself is wrong: exit code 2. */
export class UsageError extends CodedError<"bad_usage"> {
  constructor(message: string, remedy = "imuctl <command> --help shows the usage.") {
    super("bad_usage", message, { status: 400, details: { remedy } });
  }
}

/** What to do about errors that do not say it themselves. */
const REMEDIES: Readonly<Record<string, string>> = {
  daemon_not_running: "start it: sudo systemctl start imud (or: imud --config <file>).",
  daemon_silent: "look at its log: journalctl -u imud.",
  daemon_unintelligible: "use the imuctl that came with the daemon: imuctl --version, imud --version.",
  permission_denied: "run the command as a member of the socket's group, or with sudo.",
  store_busy: "a daemon holds this state: leave --state away to ask it, or stop it first.",
  store_missing: "check the path; imuctl init creates a new device, its first start creates the state.",
  store_corrupt: "keep the directory for inspection and restore from a backup (docs/imuctl.md).",
  store_unavailable: "check that you may read and write the state directory; read a copy otherwise.",
  key_malformed: "the file must be a PEM key of type Ed25519.",
  not_found: "list what there is: imuctl runs, imuctl ledger tail.",
  unknown_program: "imuctl status lists the programs in force.",
  link_down: "check the broker's address, name and password.",
};

function remedyOf(error: CodedError): readonly string[] {
  if (error instanceof ResourceRequired) {
    return [error.requirement.howTo, ...error.requirement.commands.map((command) => `  ${command}`)];
  }
  const { howTo, commands, remedy } = error.details;
  if (typeof howTo === "string") {
    const lines = Array.isArray(commands) ? commands.map((command: Json) => `  ${String(command)}`) : [];
    return [howTo, ...lines];
  }
  const text = typeof remedy === "string" ? remedy : REMEDIES[error.code];
  // A message that ends with its own remedy needs no second one.
  return text === undefined || error.message.includes("Remedy: ") ? [] : [text];
}

/** Members of `details` that the message or the remedy says already. */
const SAID = new Set([
  "remedy",
  "howTo",
  "commands",
  "why",
  "path",
  "line",
  "resource",
  "requiresConsent",
  "existing",
]);

/** What else is known: the findings of a refusal, for example both Φ values of a release. */
function detailsOf(error: CodedError): readonly string[] {
  const rest = Object.entries(error.details).filter(([name]) => !SAID.has(name));
  return rest.length === 0 ? [] : [`details: ${safe(JSON.stringify(Object.fromEntries(rest)))}`];
}

/** What the operating system refused, for example a file that may not be read, under a code of ours. */
function known(error: unknown): unknown {
  const errno = error instanceof Error && "code" in error ? error.code : undefined;
  if (error instanceof CodedError || typeof errno !== "string" || !/^E[A-Z]+$/.test(errno)) return error;
  const isRight = errno === "EACCES" || errno === "EPERM";
  return new CodedError(isRight ? "permission_denied" : "io_error", messageOf(error), {
    status: isRight ? 403 : 500,
    cause: error,
    details: {
      remedy: isRight ? "run it as the file's owner, or with sudo." : "check the path and the disk.",
    },
  });
}

/** Lines for standard error. @param debug adds the stack and its causes. */
export function errorText(thrown: unknown, debug: boolean): string {
  const error = known(thrown);
  const lines: string[] = [];
  if (error instanceof CodedError) {
    const message = error instanceof ResourceRequired ? error.requirement.why : error.message;
    lines.push(`imuctl: ${error.code}: ${safe(message)}`);
    lines.push(...detailsOf(error));
    const [first, ...more] = remedyOf(error);
    if (first !== undefined) lines.push(`remedy: ${safe(first)}`, ...more.map(safe));
  } else {
    lines.push(
      `imuctl: internal: ${safe(messageOf(error))}`,
      "remedy: run it again with --debug and report it.",
    );
  }
  if (debug) {
    for (let at: unknown = error; at instanceof Error; at = at.cause) lines.push(at.stack ?? String(at));
  }
  return `${lines.join("\n")}\n`;
}

export function errorJson(thrown: unknown): Json {
  const error = known(thrown);
  if (!(error instanceof CodedError)) {
    return { ok: false, error: { code: "internal", status: 500, message: messageOf(error), details: {} } };
  }
  const { code, status, message, details } = error;
  return { ok: false, error: { code, status, message, details } };
}
