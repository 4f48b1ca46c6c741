/** The search: run an input, keep it if it shows something new, change it, again. One failure ends it. */
import { getHeapStatistics } from "node:v8";
import { type Entry, loadCorpus } from "./corpus.ts";
import { minimise } from "./minimise.ts";
import { Random } from "./random.ts";
import { MAX_INPUT_BYTES, type Target } from "./target.ts";

export interface Found {
  readonly input: Uint8Array;
  readonly problem: string;
}

export interface Hooks {
  /** Called around every input, so that somebody else can tell a hang. */
  readonly begin: (input: Uint8Array) => void;
  readonly end: () => void;
  readonly isTimeUp: () => boolean;
}

/** New inputs are as likely as changed ones until there is something to change. */
const GENERATED_ONE_IN = 6;
const MOST_ENTRIES = 2000;
const TRIES_FOR_FAILURE = 3000;

const headOf = (problem: string): string => (problem.split("\n")[0] ?? "").replace(/\d+/g, "0");

export class FuzzCampaign {
  readonly #target: Target;
  readonly #random: Random;
  readonly #hooks: Hooks;
  readonly #seen = new Set<string>();
  readonly entries: Entry[] = [];
  executed = 0;
  /** Features that the inputs of the repository showed. */
  #known = 0;

  constructor(target: Target, seed: number, hooks: Hooks) {
    this.#target = target;
    this.#random = new Random(seed);
    this.#hooks = hooks;
  }

  get features(): number {
    return this.#seen.size;
  }

  get hasNews(): boolean {
    return this.#seen.size > this.#known;
  }

  /** Null when the time is up without a failure. */
  run(): Found | null {
    for (const { input } of loadCorpus(this.#target)) {
      const found = this.#take(input);
      if (found !== null) return found;
    }
    this.#known = this.#seen.size;
    while (!this.#hooks.isTimeUp()) {
      const found = this.#take(this.#next());
      if (found !== null) return found;
    }
    return null;
  }

  #next(): Uint8Array {
    const random = this.#random;
    if (this.entries.length === 0 || random.oneIn(GENERATED_ONE_IN)) return this.#target.generate(random);
    const [one, other] = [random.pick(this.entries), random.pick(this.entries)];
    return this.#target.mutate(one.input, other.input, random).slice(0, MAX_INPUT_BYTES);
  }

  #take(input: Uint8Array): Found | null {
    this.executed++;
    const outcome = this.#attempt(input);
    if (typeof outcome === "string") return this.#failure(input, outcome);
    const fresh = outcome.filter((feature) => !this.#seen.has(feature));
    if (fresh.length === 0 || this.entries.length >= MOST_ENTRIES) return null;
    for (const feature of fresh) this.#seen.add(feature);
    this.entries.push(this.#small(input, fresh));
    return null;
  }

  #small(input: Uint8Array, wanted: readonly string[]): Entry {
    let features: readonly string[] = wanted;
    const small = minimise(this.#target, input, this.#target.triesForFind, (candidate) => {
      const outcome = this.#attempt(candidate);
      if (typeof outcome === "string" || !wanted.every((feature) => outcome.includes(feature))) return false;
      features = outcome;
      return true;
    });
    return { input: small, features };
  }

  #failure(input: Uint8Array, problem: string): Found {
    const small = minimise(this.#target, input, TRIES_FOR_FAILURE, (candidate) => {
      const outcome = this.#attempt(candidate);
      return typeof outcome === "string" && headOf(outcome) === headOf(problem);
    });
    return { input: small, problem };
  }

  /** The features, or the problem. */
  #attempt(input: Uint8Array): readonly string[] | string {
    const before = getHeapStatistics().used_heap_size;
    this.#hooks.begin(input);
    try {
      const features = this.#target.run(input);
      const grown = getHeapStatistics().used_heap_size - before;
      if (grown > this.#target.maxHeapBytes) return `the heap grew by ${Math.round(grown / 2 ** 20)} MiB`;
      return features;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : `threw ${String(error)}`;
    } finally {
      this.#hooks.end();
    }
  }
}
