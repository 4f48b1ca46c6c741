/**
 * Reads imud.yaml. A configuration that is missing, unreadable or wrong refuses the start with its path, the line
 * and the remedy; nothing is defaulted silently beyond the documented defaults, and nothing is ever rewritten.
 */
import { dirname, isAbsolute, resolve } from "node:path";
import { type Document, LineCounter, parseDocument } from "yaml";
import { fromUtf8 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import type { Files } from "../ports/files.ts";
import type { Config } from "./config-schema.ts";
import { validate } from "./config-validator.ts";

/** One way in which a document does not fit the schema. */
export interface SchemaProblem {
  /** JSON pointer. */
  readonly instancePath: string;
  /** Keyword of the schema that does not hold. */
  readonly keyword: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly message?: string;
}

/** Fills in defaults and checks; `errors` are those of the last call. */
export interface ConfigValidator {
  (value: unknown): value is Config;
  readonly errors?: readonly SchemaProblem[] | null;
}

export class ConfigError extends CodedError<"config_invalid"> {
  constructor(path: string, line: number, why: string, remedy: string, cause?: unknown) {
    super("config_invalid", `${path}${line > 0 ? `:${line}` : ""}: ${why} Remedy: ${remedy}`, {
      status: 422,
      details: { path, line, why, remedy },
      cause,
    });
  }
}

function lineOf(document: Document, lines: LineCounter, error: SchemaProblem): number {
  const steps = error.instancePath
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  const extra = error.keyword === "additionalProperties" ? [String(error.params.additionalProperty)] : [];
  for (let path = [...steps, ...extra]; ; path = path.slice(0, -1)) {
    const node = document.getIn(path, true) as { range?: readonly number[] } | undefined;
    const at = node?.range?.[0];
    if (at !== undefined) return lines.linePos(at).line;
    if (path.length === 0) return 1;
  }
}

function explain(error: SchemaProblem): readonly [why: string, remedy: string] {
  const where = error.instancePath === "" ? "the document" : error.instancePath.slice(1).replaceAll("/", ".");
  if (error.keyword === "additionalProperties") {
    const name = String(error.params.additionalProperty);
    return [
      `${where} has no member "${name}".`,
      `remove "${name}" or correct its spelling (docs/configuration.md).`,
    ];
  }
  if (error.keyword === "required") {
    const name = String(error.params.missingProperty);
    return [`${where} lacks "${name}".`, `add "${name}" (docs/configuration.md shows every member).`];
  }
  if (error.keyword === "oneOf") {
    return [
      `${where} needs exactly one of "url" and "embedded".`,
      "name the broker by url, or start one with embedded.",
    ];
  }
  return [`${where} ${error.message ?? "is wrong"}.`, "correct the value (docs/configuration.md)."];
}

/** Aliases are refused: they could multiply a small file without bound. */
function plain(document: Document, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 });
  } catch (cause) {
    if (!(cause instanceof ReferenceError)) throw cause;
    throw new ConfigError(
      path,
      0,
      "the document uses an alias.",
      "write the value out in both places.",
      cause,
    );
  }
}

/** Reads YAML or JSON text. @param path only named in errors. @throws ConfigError `config_invalid` (422). */
export function parseConfig(text: string, path: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    strict: true,
    merge: false,
    logLevel: "error",
  });
  const [syntax] = document.errors;
  if (syntax) {
    const line = syntax.linePos?.[0].line ?? 0;
    throw new ConfigError(
      path,
      line,
      `${syntax.message.split("\n")[0]}.`,
      "correct the YAML syntax.",
      syntax,
    );
  }
  const value = plain(document, path);
  if (validate(value)) return value;
  const errors = validate.errors ?? [];
  // A failed alternative also reports every branch of it; the alternative itself says what to do.
  const first = errors.find((error) => error.keyword === "oneOf") ?? errors[0];
  if (!first)
    throw new ConfigError(path, 0, "the document is not a configuration.", "start from imuctl init.");
  const [why, remedy] = explain(first);
  throw new ConfigError(path, lineOf(document, lines, first), why, remedy);
}

/** Reads a configuration file; relative paths inside it are taken from its folder. @throws ConfigError. */
export async function loadConfig(files: Files, path: string): Promise<Config> {
  let text: string;
  try {
    text = fromUtf8(await files.read(path, FILE_LIMITS.configBytes));
  } catch (cause) {
    const missing = cause instanceof CodedError && cause.code === "not_found";
    throw new ConfigError(
      path,
      0,
      missing ? "the configuration file does not exist." : "the configuration file cannot be read.",
      missing
        ? `create one with: imuctl init --config ${path}`
        : "check its permissions, size (64 KiB) and encoding (UTF-8).",
      cause,
    );
  }
  const config = parseConfig(text, path);
  const base = dirname(resolve(path));
  const at = (file: string): string => (isAbsolute(file) ? file : resolve(base, file));
  return {
    ...config,
    stateDir: at(config.stateDir),
    runDir: at(config.runDir),
    policyFile: at(config.policyFile),
    programsDir: at(config.programsDir),
    sourcesFile: config.sourcesFile && at(config.sourcesFile),
    authorityFile: config.authorityFile && at(config.authorityFile),
    rosterFile: config.rosterFile && at(config.rosterFile),
  };
}
