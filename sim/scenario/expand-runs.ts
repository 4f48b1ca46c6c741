import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import { readScenario } from "./parse-scenario.ts";
import type { RawGrid } from "./raw-scenario.ts";
import { ScenarioError } from "./scenario-error.ts";
import type { Run, Scenario } from "./types.ts";

type Combination = Readonly<Record<string, Json>>;

/** Short names in grids and the members they stand for; `*` is every entry of a list. */
const SHORT: Readonly<Record<string, string>> = {
  devices: "devices.*.count",
  ppm: "devices.*.ppm",
  loss: "link.loss",
  duplicate: "link.duplicate",
};

/** Every combination of a grid's values: the first name varies slowest. */
function combinations(grid: RawGrid): readonly Combination[] {
  let all: readonly Combination[] = [{}];
  for (const [name, values] of Object.entries(grid))
    all = all.flatMap((before) => values.map((value) => ({ ...before, [name]: value })));
  return all;
}

/** A copy with one member replaced, null where the way there does not exist. */
function replaced(value: Json, steps: readonly string[], by: Json): Json | null {
  const [step, ...rest] = steps;
  if (step === undefined) return by;
  if (Array.isArray(value)) {
    const items = value as readonly Json[];
    if (step !== "*" && items[Number(step)] === undefined) return null;
    const changed = items.map((item, index) =>
      step === "*" || index === Number(step) ? replaced(item, rest, by) : item,
    );
    return changed.includes(null) ? null : changed;
  }
  if (!isJsonObject(value)) return null;
  // The last step may name a member that had its default.
  const inner = replaced(Object.hasOwn(value, step) ? (value[step] ?? {}) : {}, rest, by);
  return inner === null ? null : { ...value, [step]: inner };
}

/** The scenario with these values in place of its own. @throws ScenarioError `scenario_invalid` at `/vary/<name>`. */
function varied(scenario: Scenario, values: Combination): Scenario {
  const { vary: _grids, ...rest } = scenario.document;
  let document: JsonObject = rest;
  for (const [name, value] of Object.entries(values)) {
    const steps = (Object.hasOwn(SHORT, name) ? (SHORT[name] ?? name) : name).split(".");
    const changed = replaced(document, steps, value);
    if (!isJsonObject(changed))
      throw new ScenarioError(
        "scenario_invalid",
        { file: scenario.file, line: 0, path: `/vary/${name}` },
        "the scenario has nothing there",
      );
    document = changed;
  }
  return readScenario(document, scenario.file);
}

/**
 * Every run of a scenario: each combination of each grid of `vary` with each seed. @param seeds instead of its own.
 * @throws ScenarioError for a combination that is no scenario, or too many runs.
 */
export function expandRuns(scenario: Scenario, seeds: readonly string[] = scenario.seeds): readonly Run[] {
  const grids = [scenario.document.vary ?? []].flat() as readonly RawGrid[];
  const sets = grids.length === 0 ? [{}] : grids.flatMap(combinations);
  if (sets.length * seeds.length > SCENARIO_LIMITS.runs)
    throw new ScenarioError(
      "scenario_invalid",
      { file: scenario.file, line: 0, path: "/vary" },
      `more than ${SCENARIO_LIMITS.runs} runs`,
    );
  return sets.flatMap((values) => {
    const one = Object.keys(values).length === 0 ? scenario : varied(scenario, values);
    return seeds.map((seed) => ({ scenario: one, seed, varied: values }));
  });
}
