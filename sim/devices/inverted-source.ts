import type { Level } from "../../firmware/ports/hardware.ts";
import { type ContactEdge, type EdgeSource, nextEdge } from "../board/edge-source.ts";

const other = (level: Level): Level => (level === 1 ? 0 : 1);
const inverted = (edge: ContactEdge): ContactEdge => ({ atUs: edge.atUs, value: other(edge.value) });

/** The same edges the other way round: an open collector, or a contact to ground with a pull-up. */
export function invertedSource(source: EdgeSource): EdgeSource {
  return {
    levelAt: (atUs) => other(source.levelAt(atUs)),
    edgesBetween: (fromUs, toUs) => source.edgesBetween(fromUs, toUs).map(inverted),
    onEdges: (listener) => source.onEdges(listener),
    nextEdge: (afterUs) => {
      const edge = nextEdge(source, afterUs);
      return edge && inverted(edge);
    },
  };
}
