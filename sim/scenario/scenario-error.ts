import { CodedError } from "../../firmware/core/errors.ts";

export type ScenarioErrorCode = "scenario_invalid" | "board_unknown" | "model_unknown" | "wiring_conflict";

/** A scenario that cannot be run (simulator.md 13). `details`: `path` is a JSON pointer, `line` 0 if unknown. */
export class ScenarioError extends CodedError<ScenarioErrorCode> {
  constructor(code: ScenarioErrorCode, at: { file: string; line: number; path: string }, why: string) {
    const where = `${at.file}${at.line > 0 ? `:${at.line}` : ""}: ${at.path === "" ? "the scenario" : at.path}`;
    super(code, `${where}: ${why}`, { status: 422, details: { ...at, why } });
  }
}

/** Reports what is wrong at a JSON pointer; knows file and line. */
export type ScenarioFault = (path: string, why: string, code?: ScenarioErrorCode) => ScenarioError;

/** What is allowed and yet probably not meant, for example a net that nobody drives. */
export interface ScenarioWarning {
  readonly code: "net_floating";
  /** JSON pointer. */
  readonly path: string;
  readonly line: number;
  readonly why: string;
}

/** A JSON pointer with further steps. */
export function pointer(path: string, ...steps: readonly (string | number)[]): string {
  const escaped = steps.map((step) => String(step).replaceAll("~", "~0").replaceAll("/", "~1"));
  return [path, ...escaped].join("/");
}
