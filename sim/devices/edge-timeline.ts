import type { Level } from "../../firmware/ports/hardware.ts";
import type { ContactEdge, EdgeSource } from "../board/edge-source.ts";
import { Listeners } from "../board/listeners.ts";

/** What the world moves: a bouncing contact, or an electronic output that does not bounce. */
export interface LevelSink {
  actuate(atUs: number, level: Level): void;
}

/** How long past edges are kept for those that look late, as a frozen process does. */
const KEEP_US = 60_000_000;

interface PlannedEdge extends ContactEdge {
  /** When the first edge of its group is due; the group stands or falls with it. */
  readonly groupUs: number;
}

/**
 * The edges of an electronic output or a moving part, in time order. Edges ahead (an armature or a valve on its way)
 * are announced, and can be withdrawn until the first of their group is due.
 */
export class EdgeTimeline implements EdgeSource, LevelSink {
  readonly #listeners = new Listeners<[]>();
  #level: Level;
  #edges: PlannedEdge[] = [];

  constructor(initial: Level) {
    this.#level = initial;
  }

  /** The level once everything announced has happened. */
  get settled(): Level {
    return this.#edges.at(-1)?.value ?? this.#level;
  }

  /** A change without bounce; nothing happens if the line is to have that level already. */
  actuate(atUs: number, level: Level): void {
    if (this.settled !== level) this.plan([{ atUs, value: level }]);
  }

  /** A group of edges in time order, all after those announced before. */
  plan(edges: readonly ContactEdge[]): void {
    const groupUs = edges[0]?.atUs ?? 0;
    this.#forgetBefore(groupUs - KEEP_US);
    for (const { atUs, value } of edges) this.#edges.push({ atUs, value, groupUs });
    this.#listeners.tell();
  }

  /** Takes back all groups that are not due at `nowUs`. */
  withdraw(nowUs: number): void {
    const due = this.#edges.filter((edge) => edge.groupUs <= nowUs);
    if (due.length === this.#edges.length) return;
    this.#edges = due;
    this.#listeners.tell();
  }

  levelAt(atUs: number): Level {
    return this.#edges.findLast((edge) => edge.atUs <= atUs)?.value ?? this.#level;
  }

  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    return this.#edges
      .filter((edge) => edge.atUs > fromUs && edge.atUs <= toUs)
      .map(({ atUs, value }) => ({ atUs, value }));
  }

  onEdges(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  #forgetBefore(atUs: number): void {
    const stale = this.#edges.findLastIndex((edge) => edge.atUs < atUs);
    if (stale < 0) return;
    this.#level = this.#edges[stale]?.value ?? this.#level;
    this.#edges.splice(0, stale + 1);
  }
}
