import type { Level } from "../../firmware/ports/hardware.ts";
import { type ContactEdge, type EdgeSource, nextEdge } from "./edge-source.ts";
import { Listeners } from "./listeners.ts";

/** Level changes of an override that are kept for a process that looks late. */
const KEPT_EDGES = 256;

/**
 * Edges at a pin: those of what is wired to it, unless something stronger holds the net (a stuck line, an output joined
 * to it), and the changes that this holding and letting go make.
 */
export class PinSource implements EdgeSource {
  readonly #wired: EdgeSource | null;
  readonly #listeners = new Listeners<[]>();
  readonly #own: ContactEdge[] = [];
  #held: Level | null = null;

  constructor(wired: EdgeSource | null) {
    this.#wired = wired;
  }

  /** What holds the net now, null for nothing. */
  get held(): Level | null {
    return this.#held;
  }

  /**
   * Something else holds the net from now on.
   * @param level null for nothing.
   * @param before level of the pin until now.
   * @param after level of the pin from now on.
   */
  hold(level: Level | null, before: Level, after: Level, nowUs: number): void {
    if (level === this.#held) return;
    this.#held = level;
    if (before !== after) {
      this.#own.push({ atUs: nowUs, value: after });
      if (this.#own.length > KEPT_EDGES) this.#own.shift();
    }
    this.#listeners.tell();
  }

  levelAt(atUs: number): Level {
    return this.#held ?? this.#wired?.levelAt(atUs) ?? 0;
  }

  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    const wired = this.#held === null ? (this.#wired?.edgesBetween(fromUs, toUs) ?? []) : [];
    if (this.#own.length === 0) return wired;
    const own = this.#own.filter((edge) => edge.atUs > fromUs && edge.atUs <= toUs);
    return own.length === 0 ? wired : [...own, ...wired].sort((a, b) => a.atUs - b.atUs);
  }

  nextEdge(afterUs: number): ContactEdge | null {
    const wired = this.#held === null && this.#wired ? nextEdge(this.#wired, afterUs) : null;
    const own = this.#own.find((edge) => edge.atUs > afterUs) ?? null;
    if (!own || !wired) return own ?? wired;
    return own.atUs <= wired.atUs ? own : wired;
  }

  onEdges(listener: () => void): Disposable {
    const own = this.#listeners.add(listener);
    const wired = this.#wired?.onEdges(listener);
    return {
      [Symbol.dispose]: () => {
        own[Symbol.dispose]();
        wired?.[Symbol.dispose]();
      },
    };
  }
}
