import type { Level } from "../../firmware/ports/hardware.ts";

/** A level change in true microseconds. */
export interface ContactEdge {
  readonly atUs: number;
  readonly value: Level;
}

/** What drives an input line: a contact, a pulse generator, an output pin of another part. */
export interface EdgeSource {
  levelAt(atUs: number): Level;
  /** Edges after `fromUs` up to and including `toUs`, in order; also future ones that are certain unless the world moves. */
  edgesBetween(fromUs: number, toUs: number): readonly ContactEdge[];
  /** Calls when edges have come, or announced ones are gone: look again. */
  onEdges(listener: () => void): Disposable;
  /** The first edge after `afterUs`; for sources whose future has no end. */
  nextEdge?(afterUs: number): ContactEdge | null;
}

/** The first edge after `afterUs` that is certain now. */
export function nextEdge(source: EdgeSource, afterUs: number): ContactEdge | null {
  if (source.nextEdge) return source.nextEdge(afterUs);
  return source.edgesBetween(afterUs, Number.MAX_SAFE_INTEGER)[0] ?? null;
}
