import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { ContactEdge, EdgeSource } from "../board/edge-source.ts";
import type { Actuator } from "../board/line-wiring.ts";
import { EdgeTimeline } from "./edge-timeline.ts";

const OPERATE_US = 10_000;
const RELEASE_US = 5_000;
const BOUNCE_US = 2_000;
/** Up to four pairs of further edges, as for any contact (simulator.md 3). */
const BOUNCE_PAIRS = 5;

export interface RelayOptions {
  readonly activeLow: boolean;
  /** Pull of the relay board's input while nobody drives the line. */
  readonly idle: Level;
  /** Draws the bounces of a closing contact; absent for a contact that does not bounce (solid state). */
  readonly bounce?: Entropy;
  /** Level of the read-back line while the contact is closed; default 0, a contact to ground with a pull-up. */
  readonly readBackClosed?: Level;
}

/**
 * `welded`: the contact stays closed. `open`: its surface is burnt, the load stays off although the armature moves.
 */
export type RelayDefect = "welded" | "open";

/**
 * A relay or contactor (simulator.md 5): operates in 10 ms, releases in 5 ms, bounces for up to 2 ms when it closes.
 * A pulse shorter than the operate time moves nothing.
 */
export class RelayModel implements Actuator {
  readonly #options: RelayOptions;
  /** Position of the armature: 1 is closed. */
  readonly #armature: EdgeTimeline;
  #coil: boolean;
  #cycles = 0;
  /** Defect of the contact, null when sound. */
  defect: RelayDefect | null = null;
  /** The auxiliary contact that is linked to the armature: it shows welding, not a burnt surface (IEC 60947-4-1, F). */
  readonly readBack: EdgeSource;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#coil = this.#isActive(options.idle);
    this.#armature = new EdgeTimeline(this.#coil ? 1 : 0);
    this.readBack = this.#readBackSource(options.readBackClosed ?? 0);
  }

  /** True while the coil is energised. */
  get driven(): boolean {
    return this.#coil;
  }

  /** How often the contact closed, the closing under way included. */
  get cycles(): number {
    return this.#cycles;
  }

  /** The electrical level at the module's input; null when the line is released to its pull. */
  drive(level: Level | null, nowUs: number): void {
    const coil = this.#isActive(level ?? this.#options.idle);
    if (coil === this.#coil) return;
    this.#coil = coil;
    const planned = this.#armature.settled;
    this.#armature.withdraw(nowUs);
    const standing = this.#armature.settled;
    if (planned === 1 && standing === 0) this.#cycles--;
    if (standing === (coil ? 1 : 0)) return;
    if (coil) this.#cycles++;
    this.#armature.plan(coil ? this.#closing(nowUs + OPERATE_US) : [{ atUs: nowUs + RELEASE_US, value: 0 }]);
  }

  /** Whether the load is switched on at board time `nowUs`. */
  closed(nowUs: number): boolean {
    if (this.defect !== null) return this.defect === "welded";
    return this.#armature.levelAt(nowUs) === 1;
  }

  #closing(atUs: number): readonly ContactEdge[] {
    const entropy = this.#options.bounce;
    const further = entropy ? 2 * entropy.below(BOUNCE_PAIRS) : 0;
    const times: number[] = [];
    for (let i = 0; i < further; i++) times.push(atUs + 1 + (entropy?.below(BOUNCE_US) ?? 0));
    times.sort((a, b) => a - b);
    return [
      { atUs, value: 1 },
      ...times.map((time, i): ContactEdge => ({ atUs: time, value: i % 2 === 0 ? 0 : 1 })),
    ];
  }

  #readBackSource(closed: Level): EdgeSource {
    const line = (position: Level): Level => (position === 1 ? closed : closed === 1 ? 0 : 1);
    const lines = (edges: readonly ContactEdge[]): readonly ContactEdge[] =>
      this.defect === "welded" ? [] : edges.map(({ atUs, value }) => ({ atUs, value: line(value) }));
    return {
      levelAt: (atUs) => (this.defect === "welded" ? closed : line(this.#armature.levelAt(atUs))),
      edgesBetween: (fromUs, toUs) => lines(this.#armature.edgesBetween(fromUs, toUs)),
      onEdges: (listener) => this.#armature.onEdges(listener),
    };
  }

  #isActive(level: Level): boolean {
    return (level === 0) === this.#options.activeLow;
  }
}
