import type { Level } from "../../firmware/ports/hardware.ts";
import type { ContactEdge, EdgeSource } from "./edge-source.ts";
import { Listeners } from "./listeners.ts";

/** How long past pulses are kept for those that look late. */
const KEEP_US = 60_000_000;
/** No mechanical or optical meter is faster; above it two edges would share a microsecond. */
const MAX_HZ = 100_000;

/** A steady rate from `atUs` on. Edges are counted in whole numbers, so that no rounding loses or doubles one. */
interface Segment {
  readonly atUs: number;
  /** Edges up to and including `atUs`. */
  readonly edges: number;
  /** How much of the way to the next edge is done, 0 to 1. */
  readonly progress: number;
  /** Edges per microsecond: two for each pulse. */
  readonly rate: number;
}

const START: Segment = { atUs: 0, edges: 0, progress: 0, rate: 0 };

/** Microseconds from a segment's begin to its nth edge, n from 1; whole, and one apart at least. */
const timeOf = ({ progress, rate }: Segment, n: number): number =>
  Math.max(n, Math.ceil((n - progress) / rate));

/** Edges of a segment in its first `us` microseconds. */
function edgesWithin(segment: Segment, us: number): number {
  if (segment.rate === 0) return 0;
  let n = Math.max(0, Math.floor(segment.progress + us * segment.rate));
  while (n > 0 && timeOf(segment, n) > us) n--;
  while (timeOf(segment, n + 1) <= us) n++;
  return n;
}

/**
 * Pulses whose rate is a quantity of the world, duty 50 % (simulator.md 3): flow meter, anemometer, energy meter. The
 * phase goes on when the rate changes, so that no part of a pulse is lost or counted twice.
 */
export class PulseSource implements EdgeSource {
  readonly #listeners = new Listeners<[]>();
  /** Never empty, in order of time. */
  readonly #segments: Segment[] = [START];

  /** @param hz pulses per second from `atUs` on, 0 to 100 000; times do not go back. */
  setRate(atUs: number, hz: number): void {
    const last = this.#segmentAt(atUs);
    const rate = (Math.min(MAX_HZ, Math.max(0, hz)) * 2) / 1e6;
    if (rate === last.rate) return;
    const us = atUs - last.atUs;
    const n = edgesWithin(last, us);
    const progress = Math.min(1, Math.max(0, last.progress + us * last.rate - n));
    while ((this.#segments[1]?.atUs ?? atUs) < atUs - KEEP_US) this.#segments.shift();
    this.#segments.push({ atUs, edges: last.edges + n, progress, rate });
    this.#listeners.tell();
  }

  /** Pulses that began up to `atUs`. */
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
    const number = this.#edgesUpTo(afterUs) + 1;
    const segment = this.#segments.findLast(({ edges }) => edges < number);
    if (!segment || segment.rate === 0) return null;
    const atUs = segment.atUs + timeOf(segment, number - segment.edges);
    // So slow that it never comes.
    if (atUs > Number.MAX_SAFE_INTEGER) return null;
    return { atUs, value: number % 2 === 1 ? 1 : 0 };
  }

  onEdges(listener: () => void): Disposable {
    return this.#listeners.add(listener);
  }

  #edgesUpTo(atUs: number): number {
    const segment = this.#segmentAt(atUs);
    return segment.edges + edgesWithin(segment, atUs - segment.atUs);
  }

  #segmentAt(atUs: number): Segment {
    return this.#segments.findLast((segment) => segment.atUs <= atUs) ?? this.#segments[0] ?? START;
  }
}
