import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Level } from "../../firmware/ports/hardware.ts";

export interface ContactEdge {
  readonly atUs: number;
  readonly value: Level;
}

/**
 * The edges of one actuation of a mechanical contact: the first at `atUs`, then 2·int(5) further ones within
 * 5 ms, ending at the new level (simulator.md 3, "Contacts bounce").
 */
export function bounce(entropy: Entropy, atUs: number, level: Level): ContactEdge[] {
  const further = 2 * entropy.below(5);
  const times: number[] = [];
  for (let i = 0; i < further; i++) times.push(atUs + 1 + entropy.below(5000));
  times.sort((a, b) => a - b);
  const other: Level = level === 1 ? 0 : 1;
  return [
    { atUs, value: level },
    ...times.map((time, i): ContactEdge => ({ atUs: time, value: i % 2 === 0 ? other : level })),
  ];
}

/** How long past edges are kept for watchers that ask late. */
const KEEP_US = 1_000_000;

/** A bouncing contact on an input line, actuated by the world. */
export class Contact {
  readonly #entropy: Entropy;
  #level: Level;
  #edges: ContactEdge[] = [];

  constructor(entropy: Entropy, initial: Level) {
    this.#entropy = entropy;
    this.#level = initial;
  }

  actuate(atUs: number, level: Level): void {
    if (this.levelAt(Number.MAX_SAFE_INTEGER) === level) return;
    const stale = this.#edges.filter((edge) => edge.atUs < atUs - KEEP_US);
    const last = stale.at(-1);
    if (last) {
      this.#level = last.value;
      this.#edges = this.#edges.slice(stale.length);
    }
    this.#edges.push(...bounce(this.#entropy, atUs, level));
  }

  levelAt(atUs: number): Level {
    let level = this.#level;
    for (const edge of this.#edges) if (edge.atUs <= atUs) level = edge.value;
    return level;
  }

  /** Edges after `fromUs` up to and including `toUs`. */
  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    return this.#edges.filter((edge) => edge.atUs > fromUs && edge.atUs <= toUs);
  }
}
