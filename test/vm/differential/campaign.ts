/** Many random programs through the property; a failure comes back shrunk, with the command that replays it. */
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { verifyProgram } from "../../../firmware/vm/index.ts";
import { Choices, type Genome, genomes } from "./genome.ts";
import { view } from "./host.ts";
import { type Scenario, scenarioOf } from "./program.ts";
import { judge } from "./property.ts";
import { Statistics } from "./statistics.ts";

export interface Campaign {
  readonly seed: number;
  readonly programs: number;
  /** Of a failure found before: only this case and what it shrinks to. */
  readonly path?: string;
}

export interface CampaignResult {
  readonly statistics: Statistics;
  /** Null if every way of running gave the same for every program. */
  readonly failure: string | null;
}

/** The difference that one genome shows; null if it shows none, or its program does not verify. */
function differenceOf(genome: Genome, statistics: Statistics | null): string | null {
  const scenario = scenarioOf(genome);
  const program = verifyProgram(scenario.document, view);
  if (!program.ok) {
    statistics?.reject(program.issues[0]?.code ?? "unknown");
    return null;
  }
  const cutAt = new Choices(genome.setup.slice(-2)).below(1000) / 1000;
  const { oracle, difference } = judge(program, scenario, cutAt);
  statistics?.add(program, scenario, oracle);
  return difference;
}

/** Programs between two looks at the event loop, which the test runner needs to stay in touch. */
const PROGRAMS_AT_A_TIME = 50;

export async function runCampaign({ seed, programs, path }: Campaign): Promise<CampaignResult> {
  const statistics = new Statistics();
  let judged = 0;
  const property = fc.asyncProperty(genomes, async (genome) => {
    if (++judged % PROGRAMS_AT_A_TIME === 0) await setImmediate();
    return differenceOf(genome, statistics) === null;
  });
  const details = await fc.check(property, {
    seed,
    numRuns: programs,
    ...(path === undefined ? {} : { path }),
  });
  const genome = details.counterexample?.[0];
  if (!details.failed) return { statistics, failure: null };
  if (genome === undefined)
    return { statistics, failure: String(details.errorInstance ?? "no counterexample") };
  return { statistics, failure: report(genome, details.seed, details.counterexamplePath ?? "") };
}

function report(genome: Genome, seed: number, path: string): string {
  const scenario = scenarioOf(genome);
  return [
    differenceOf(genome, null) ?? "The difference does not show a second time: something outlives a run.",
    ...listing(scenario),
    `replay: DIFFERENTIAL_SEED=${seed} DIFFERENTIAL_PATH=${path} npx vitest run test/vm/differential/differential.test.ts`,
    "then keep the seed in test/vm/differential/seeds.ts",
  ].join("\n");
}

/** −0 would be written as 0. */
const shown = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (Object.is(item, -0) ? "the number −0" : item));

function listing({ document, payload, limits, answers }: Scenario): readonly string[] {
  const { code, ...rest } = document as { readonly code: readonly unknown[] };
  return [
    ...code.map((instr, i) => `${String(i).padStart(4)} ${shown(instr)}`),
    `payload ${shown(payload)}`,
    `limits ${shown(limits)}`,
    `answers ${shown(answers)}`,
    `document ${shown(rest)}`,
  ];
}
