/** The same as `rounds.ts` for work that waits: on disks, above all. */

import { type Summary, summarise } from "./statistics.ts";
import type { Progress } from "./suite.ts";

export interface AsyncContender {
  readonly id: string;
  /** Does some work and gives how many units it was. */
  run(): Promise<number>;
}

export interface AsyncRoundSettings {
  readonly rounds: number;
  readonly roundMs: number;
  readonly warmupMs: number;
}

const NS_PER_MS = 1e6;
const nowNs = (): bigint => process.hrtime.bigint();

/** Units per second, over at least one call and at least `ms`. */
async function rateOf(contender: AsyncContender, ms: number): Promise<number> {
  const startedAt = nowNs();
  for (let units = 0; ; ) {
    units += await contender.run();
    const ns = Number(nowNs() - startedAt);
    if (ns >= ms * NS_PER_MS) return (units * 1e9) / ns;
  }
}

/** All contenders in every round, each round beginning with another one; the heap is collected before each. */
export async function measureAsync(
  contenders: readonly AsyncContender[],
  settings: AsyncRoundSettings,
  progress: Progress,
): Promise<Readonly<Record<string, Summary>>> {
  const rates = new Map<string, number[]>(contenders.map(({ id }) => [id, []]));
  for (const contender of contenders) {
    progress(`  warm-up ${contender.id}`);
    if (settings.warmupMs > 0) await rateOf(contender, settings.warmupMs);
  }
  for (let round = 0; round < settings.rounds; round++) {
    progress(`  round ${round + 1} of ${settings.rounds}`);
    for (let i = 0; i < contenders.length; i++) {
      const contender = contenders[(i + round) % contenders.length];
      if (contender === undefined) continue;
      globalThis.gc?.();
      rates.get(contender.id)?.push(await rateOf(contender, settings.roundMs));
    }
  }
  return Object.fromEntries([...rates].map(([id, list]) => [id, summarise(list)]));
}
