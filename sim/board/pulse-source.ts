import type { Level } from "../../firmware/ports/hardware.ts";
import type { ContactEdge, EdgeSource } from "./edge-source.ts";
import { Listeners } from "./listeners.ts";

/** How long past pulses are kept for those that look late. */
const KEEP_US = 60_000_000;
/** No mechanical or optical meter is faster; above it two edges would share a microsecond. */
const MAX_HZ = 100_000;

/** From `atUs` on, half pulses are counted from `halves` at a steady rate. */
interface Segment {
  readonly atUs: number;
  readonly halves: number;
  /** Half pulses per microsecond. */
  readonly rate: number;
}

const START: Segment = { atUs: 0, halves: 0, rate: 0 };

/**
 * Pulses whose rate is a quantity of the world, duty 50 % (simulator.md 3): flow meter, anemometer, energy meter. The
 * phase goes on when the rate changes, so that no part of a pulse is lost or counted twice.
 */
export class PulseSource implements EdgeSource {
  readonly #listeners = new Listeners<[]>();
  /** Never empty, in order of time. */
  #segments: Segment[] = [START];

  /** @param hz pulses per second from `atUs` on, 0 to 100 000; times do not go back. */
  setRate(atUs: number, hz: number): void {
    const last = this.#segmentAt(atUs);
    const rate = (Math.min(MAX_HZ, Math.max(0, hz)) * 2) / 1e6;
    if (rate === last.rate) return;
    while ((this.#segments[1]?.atUs ?? atUs) < atUs - KEEP_US) this.#segments.shift();
    this.#segments.push({ atUs, halves: last.halves + (atUs - last.atUs) * last.rate, rate });
    this.#listeners.tell();
  }

  /** Whole pulses that began up to `atUs`. */
  pulsesAt(atUs: number): number {
    return Math.ceil(this.#edgesUpTo(atUs) / 2);
  }

  levelAt(atUs: number): Level {
    return this.#edgesUpTo(atUs) % 2 === 1 ? 1 : 0;
  }

  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[] {
    const edges: ContactEdge[] = [];
    for (let edge = this.nextEdge(fromUs); edge && edge.atUs <= toUs; edge = this.nextEdge(edge.atUs)) {
      edges.push(edge);
    }
    return edges;
  }

  nextEdge(afterUs: number): ContactEdge | null {
    const count = this.#edgesUpTo(afterUs) + 1;
    const atUs = this.#timeOf(count);
    return atUs === null ? null : { atUs, value: count % 2 === 1 ? 1 : 0 };
  }

  onEdges(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  /** Edge n happens when n half pulses are complete; the first pulse thus begins after the time of half a one. */
  #edgesUpTo(atUs: number): number {
    const segment = this.#segmentAt(atUs);
    const about = Math.floor(segment.halves + (atUs - segment.atUs) * segment.rate);
    // The time of an edge is rounded up to a whole microsecond: counting must agree with it.
    const next = this.#timeOf(about + 1);
    if (next !== null && next <= atUs) return about + 1;
    const own = this.#timeOf(about);
    return own !== null && own > atUs ? about - 1 : about;
  }

  /** When `count` half pulses are complete, null if that never happens at the present rate. */
  #timeOf(count: number): number | null {
    const segment = this.#segments.findLast(({ halves }) => halves < count);
    if (!segment || segment.rate === 0) return null;
    return Math.ceil(segment.atUs + (count - segment.halves) / segment.rate);
  }

  #segmentAt(atUs: number): Segment {
    return this.#segments.findLast((segment) => segment.atUs <= atUs) ?? START;
  }
}
