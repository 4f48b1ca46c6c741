import { CodedError } from "../../firmware/core/errors.ts";
import { type DurationText, durationUs } from "./duration.ts";
import { type Expression, namesIn, parseExpression } from "./expression.ts";
import type { ActContext } from "./member.ts";
import { ScenarioError, type ScenarioErrorCode, type ScenarioWarning } from "./scenario-error.ts";
import type { WorldNames } from "./world-names.ts";

export interface ReaderOptions {
  readonly file: string;
  readonly lineOf: (pointer: string) => number;
  /** Of all groups, in their order. */
  readonly deviceIds: readonly string[];
}

/** What all parts of a scenario are read with: places of errors, durations, devices, conditions. */
export class Reader implements ActContext {
  readonly #options: ReaderOptions;
  readonly #warnings: ScenarioWarning[] = [];
  #names: WorldNames | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** From now on conditions are checked against the world. */
  use(names: WorldNames): void {
    this.#names = names;
  }

  get warnings(): readonly ScenarioWarning[] {
    return this.#warnings;
  }

  refuse(path: string, why: string, code: ScenarioErrorCode = "scenario_invalid"): never {
    const { file, lineOf } = this.#options;
    throw new ScenarioError(code, { file, line: lineOf(path), path }, why);
  }

  warn(path: string, why: string): void {
    this.#warnings.push({ code: "net_floating", path, line: this.#options.lineOf(path), why });
  }

  duration(value: DurationText | undefined, fallbackUs: number, path: string): number {
    if (value === undefined) return fallbackUs;
    return durationUs(value) ?? this.refuse(path, "this is no duration");
  }

  devices(pattern: string, path: string): readonly string[] {
    const ids = this.#options.deviceIds;
    if (pattern === "all") return ids;
    const found = pattern.endsWith("*")
      ? ids.filter((id) => id.startsWith(pattern.slice(0, -1)))
      : ids.filter((id) => id === pattern);
    return found.length > 0 ? found : this.refuse(path, `there is no device "${pattern}"`);
  }

  /** One id, a list of them, a prefix with `*`, or `all`; null for nothing said. */
  selected(value: string | readonly string[] | undefined, path: string): readonly string[] | null {
    if (value === undefined) return null;
    return [...new Set([value].flat().flatMap((pattern) => this.devices(pattern, path)))];
  }

  condition(text: string, path: string): Expression {
    let expression: Expression;
    try {
      expression = parseExpression(text);
    } catch (cause) {
      if (!(cause instanceof CodedError)) throw cause;
      return this.refuse(path, `${cause.code}: ${cause.message}`);
    }
    for (const name of namesIn(expression)) {
      const problem = this.#names?.problemOf(name) ?? null;
      if (problem) this.refuse(path, problem);
    }
    return expression;
  }
}
