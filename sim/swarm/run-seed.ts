/** One seed of the swarm, from the dice to the judgement. */
import { codeOf, messageOf } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { executeTwice } from "../harness/determinism.ts";
import { execute, failureKey } from "../harness/outcome.ts";
import { failureText } from "../harness/report-text.ts";
import type { SimHost } from "../harness/sim.ts";
import { expandRuns } from "../scenario/expand-runs.ts";
import { readScenario } from "../scenario/parse-scenario.ts";
import type { Examples } from "./examples.ts";
import { generateScenario } from "./generate.ts";

/** What one seed came to, as plain data. */
export interface SeedResult {
  readonly seed: string;
  readonly ok: boolean;
  /** Invariant that it broke first, or `error:<code>`; null if it is sound. */
  readonly failure: string | null;
  readonly what: string;
  readonly traceHash: string;
  readonly simulatedUs: number;
  readonly devices: number;
  readonly events: number;
  /** How often what happened, for the summary of a swarm. */
  readonly counts: Readonly<Record<string, number>>;
  /** Everything about a failure, for people; empty for a sound run. */
  readonly report: string;
  /** The scenario of a failure. */
  readonly scenario: JsonObject | null;
}

export interface SeedOptions {
  readonly host: SimHost;
  readonly examples: Examples;
  readonly elapsedMs: () => number;
  /** Runs twice and compares the traces (I14). */
  readonly isTwice: boolean;
}

/** Documents hold everything themselves, so the name only says where they came from. */
const fileOf = (seed: string): string => `swarm-${seed}.json`;

/** What a seed comes to that could not be run to its end. */
export const failedSeed = (
  seed: string,
  failure: string,
  what: string,
  scenario: JsonObject | null,
): SeedResult => ({
  seed,
  ok: false,
  failure,
  what,
  traceHash: "",
  simulatedUs: 0,
  devices: 0,
  events: 0,
  counts: {},
  report: `seed ${seed}: ${what}\n`,
  scenario,
});

/** Never throws: a run that throws is a failed one. */
export async function runSeed(seed: string, options: SeedOptions): Promise<SeedResult> {
  const { host, examples, elapsedMs, isTwice } = options;
  let document: JsonObject | null = null;
  try {
    document = generateScenario(seed, examples);
    const [run] = expandRuns(readScenario(document, fileOf(seed)), [seed]);
    if (!run) return failedSeed(seed, "error:no_run", "The scenario has no run.", document);
    const outcome = await (isTwice ? executeTwice : execute)(run, { host, elapsedMs });
    const { ok, traceHash, simulatedUs, devices, events, counts, violations, error } = outcome;
    const failure = failureKey(outcome);
    const what = violations[0]?.what ?? error?.message ?? "";
    const report = failureText(outcome);
    const scenario = ok ? null : document;
    return { seed, ok, failure, what, traceHash, simulatedUs, devices, events, counts, report, scenario };
  } catch (thrown) {
    const stack = thrown instanceof Error ? (thrown.stack ?? "") : "";
    return failedSeed(seed, `error:${codeOf(thrown)}`, `${messageOf(thrown)}\n${stack}`, document);
  }
}
