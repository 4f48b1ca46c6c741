/** `kill -9` again and again at moments drawn from a seed, on one folder that goes on from life to life. */
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { type BuiltChild, type KillTime, liveAndDie } from "./child-process.ts";
import type { Told } from "./lines.ts";

export interface Judged {
  /** What should not be, in words. */
  readonly problems: readonly string[];
  /** Entries in the log. */
  readonly size: number;
  /** Units or runs that this life had acknowledged. */
  readonly acknowledged: number;
}

export interface Judge {
  /** Looks at what a killed process has left. @param told what it had said before. */
  judge(told: readonly Told[]): Promise<Judged>;
}

/** What is tortured. */
export interface Subject {
  readonly name: string;
  /** Arguments of the next child. */
  args(): readonly string[];
  readonly judge: Judge;
  /** Opening takes about this long: half of the kills that come early strike within it, ms. */
  readonly openMs: number;
  /** A life after that lasts at most this long, ms. */
  readonly lifeMs: number;
}

export interface TortureOptions {
  readonly cycles: number;
  readonly seed: string;
  readonly onCycle?: (cycle: number, judged: Judged) => void;
}

export interface TortureReport {
  readonly subject: string;
  readonly seed: string;
  readonly cycles: number;
  /** Kills after everything was open, under load; the others struck while it was opening. */
  readonly underLoad: number;
  readonly acknowledged: number;
  readonly size: number;
  readonly problems: readonly string[];
}

/** Every third kill comes while the process is opening what the one before has left. */
function killTime(chance: SeededEntropy, { openMs, lifeMs }: Subject): KillTime {
  return chance.below(3) === 0
    ? { after: "start", ms: chance.below(openMs) }
    : { after: "up", ms: chance.below(lifeMs) };
}

/** Stops at the first life that leaves a problem. */
export async function torture(
  child: BuiltChild,
  subject: Subject,
  { cycles, seed, onCycle }: TortureOptions,
): Promise<TortureReport> {
  const chance = new SeededEntropy(seed, `torture:${subject.name}`);
  let [done, underLoad, acknowledged, size] = [0, 0, 0, 0];
  let problems: readonly string[] = [];
  while (done < cycles && problems.length === 0) {
    const life = await liveAndDie(child, subject.args(), killTime(chance, subject));
    const judged = await subject.judge.judge(life.told);
    done++;
    if (life.cameUp) underLoad++;
    acknowledged += judged.acknowledged;
    size = judged.size;
    problems = judged.problems;
    onCycle?.(done, judged);
  }
  return { subject: subject.name, seed, cycles: done, underLoad, acknowledged, size, problems };
}

export const reportLine = ({
  subject,
  seed,
  cycles,
  underLoad,
  acknowledged,
  size,
  problems,
}: TortureReport): string =>
  `torture ${subject}: ${cycles} kills, seed ${seed}, ${underLoad} of them under load; ${acknowledged} acknowledged, ` +
  `log of ${size} entries; ${problems.length === 0 ? "nothing is missing" : `FAILED: ${problems.slice(0, 5).join("; ")}`}`;
