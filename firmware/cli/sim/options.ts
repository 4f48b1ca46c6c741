/** Options that the commands of the simulator share. */
import { durationUs } from "../../../sim/scenario/duration.ts";
import { seedsOf } from "../../../sim/scenario/seeds.ts";
import type { Run } from "../../../sim/scenario/types.ts";
import { CodedError } from "../../core/errors.ts";
import { countOption, type OptionValue, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";

const MAX_JOBS = 256;

/** @throws UsageError for what is no duration. @returns µs, null if the option was not given. */
export function durationOption(value: OptionValue, name: string): number | null {
  const text = textOption(value);
  if (text === null) return null;
  const us = durationUs(/^\d+$/.test(text) ? Number(text) : text);
  if (us === null) throw new UsageError(`${name} must be a duration such as 90s, 10m or 2h, not "${text}".`);
  return us;
}

/** @throws UsageError. @returns null if neither option was given. */
export function seedsOption(options: Readonly<Record<string, OptionValue>>): readonly string[] | null {
  const [one, range] = [textOption(options.seed), textOption(options.seeds)];
  if (one !== null && range !== null) throw new UsageError("--seed and --seeds exclude each other.");
  if (one !== null) return [one];
  if (range === null) return null;
  const seeds = seedsOf(range);
  if (seeds === null) throw new UsageError(`--seeds must be a range such as 1..20, not "${range}".`);
  return seeds;
}

export function jobsOption(value: OptionValue): number {
  if (value === undefined) return 1;
  return Math.max(1, countOption(value, "--jobs", MAX_JOBS));
}

/** Items of an option that may be given several times, each of them a list with commas. */
export const listOption = (value: OptionValue): readonly string[] =>
  [typeof value === "boolean" ? "" : (value ?? "")]
    .flat()
    .flatMap((text) => text.split(","))
    .filter((item) => item !== "");

/** Whether a run has the values that `--vary name=value` asks for. @throws UsageError. */
export function hasVaried(run: Run, wanted: readonly string[]): boolean {
  return wanted.every((text) => {
    const at = text.indexOf("=");
    if (at < 1) throw new UsageError(`--vary takes name=value, not "${text}".`);
    return String(run.varied[text.slice(0, at)]) === text.slice(at + 1);
  });
}

/** What says that the scenario, and not the device, is wrong. */
const SCENARIO_CODES: ReadonlySet<string> = new Set([
  "scenario_invalid",
  "board_unknown",
  "model_unknown",
  "wiring_conflict",
  "policy_invalid",
  "config_invalid",
  "program_invalid",
  "not_found",
  "too_large",
  "malformed",
]);

export const isScenarioError = (error: unknown): boolean =>
  error instanceof CodedError && SCENARIO_CODES.has(error.code);
