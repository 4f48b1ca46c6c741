import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { ContactEdge, EdgeSource } from "./edge-source.ts";
import { Listeners } from "./listeners.ts";

export type { ContactEdge } from "./edge-source.ts";

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

/** How long past edges are kept for those that look late, as a frozen process does. */
const KEEP_US = 60_000_000;

/** A bouncing contact on an input line, actuated by the world. */
export class Contact implements EdgeSource {
  readonly #entropy: Entropy;
  readonly #listeners = new Listeners<[]>();
  #level: Level;
  /** The level that the last actuation comes to rest at. */
  #target: Level;
  #edges: ContactEdge[] = [];

  constructor(entropy: Entropy, initial: Level) {
    this.#entropy = entropy;
    this.#level = initial;
    this.#target = initial;
  }

  /** Moves the contact. What is left of the bouncing of an earlier move no longer happens. */
  actuate(atUs: number, level: Level): void {
    if (this.#target === level) return;
    this.#target = level;
    this.#forgetBefore(atUs - KEEP_US);
    this.#edges = this.#edges.filter((edge) => edge.atUs <= atUs);
    const [first, ...further] = bounce(this.#entropy, atUs, level);
    // Caught in the middle of a bounce, the contact may already be there: that is no edge.
    if (first && this.levelAt(atUs) !== level) this.#edges.push(first);
    this.#edges.push(...further);
    this.#listeners.tell();
  }

  levelAt(atUs: number): Level {
    let level = this.#level;
    for (const edge of this.#edges) {
      if (edge.atUs > atUs) break;
      level = edge.value;
    }
    return level;
  }

  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    return this.#edges.filter((edge) => edge.atUs > fromUs && edge.atUs <= toUs);
  }

  onEdges(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  #forgetBefore(atUs: number): void {
    let stale = 0;
    for (const edge of this.#edges) {
      if (edge.atUs >= atUs) break;
      this.#level = edge.value;
      stale++;
    }
    if (stale > 0) this.#edges.splice(0, stale);
  }
}
