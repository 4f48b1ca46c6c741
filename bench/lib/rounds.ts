/**
 * Measures contenders against each other: warm-up for each, then round by round, all of them in every round and each
 * round beginning with another one, so that a slow moment of the machine hits all alike.
 */
import { type Summary, summarise } from "./statistics.ts";

export interface Contender {
  readonly id: string;
  /** Units of work that one call of `run` does. */
  readonly units: number;
  run(): void;
}

export interface RoundSettings {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmupMs: number;
}

const NS_PER_MS = 1e6;
/** Time between two looks at the clock: long against a look, short against a round. */
const BATCH_NS = 2 * NS_PER_MS;

const now = (): bigint => process.hrtime.bigint();

interface Sample {
  readonly runs: number;
  readonly ns: number;
}

/** Runs batches of `batch` until `ms` have passed. */
function sample(contender: Contender, ms: number, batch: number): Sample {
  const startedAt = now();
  let runs = 0;
  for (;;) {
    for (let i = 0; i < batch; i++) contender.run();
    runs += batch;
    const ns = Number(now() - startedAt);
    if (ns >= ms * NS_PER_MS) return { runs, ns };
  }
}

/** Warms up and finds how many runs lie between two looks at the clock. */
function warmUp(contender: Contender, ms: number): number {
  let batch = 1;
  const endsAt = now() + BigInt(Math.round(ms * NS_PER_MS));
  do {
    const { ns } = sample(contender, 0, batch);
    if (ns < BATCH_NS) batch *= 2;
  } while (now() < endsAt);
  return batch;
}

/** Units per second of each contender, summarised over the rounds. */
export function measureInterleaved(
  contenders: readonly Contender[],
  settings: RoundSettings,
  progress: (text: string) => void,
): ReadonlyMap<string, Summary> {
  const rates = new Map<string, number[]>();
  const lanes = contenders.map((contender) => {
    progress(`  warm-up ${contender.id}`);
    const list: number[] = [];
    rates.set(contender.id, list);
    return { contender, list, batch: warmUp(contender, settings.warmupMs) };
  });
  for (let round = 0; round < settings.rounds; round++) {
    progress(`  round ${round + 1} of ${settings.rounds}`);
    for (let i = 0; i < lanes.length; i++) {
      const lane = lanes[(i + round) % lanes.length];
      if (lane === undefined) continue;
      globalThis.gc?.();
      const { runs, ns } = sample(lane.contender, settings.roundMs, lane.batch);
      lane.list.push((runs * lane.contender.units * 1e9) / ns);
    }
  }
  return new Map([...rates].map(([id, list]) => [id, summarise(list)]));
}
