/** Readings of one run's evidence that the run itself needs. */
import { BUILT_IN_KINDS, type RunEvidence } from "../evidence/index.ts";

const HARDWARE = /^(gpio|i2c|spi|serial):\/\//;

/** A source pattern as this composition records it: simulated hardware keeps the `sim://` prefix for ever (evidence.md 4). */
export const recordedSource = (source: string, simulated: boolean): string =>
  simulated && HARDWARE.test(source) ? `sim://${source.replace("://", "/")}` : source;

/** Smallest trust of what a run has seen, 1 if it has seen nothing (vm.md 10, "Trace"). */
export function smallestTrust(evidence: RunEvidence): number {
  let smallest = 1;
  for (const { body } of evidence.list) {
    const kind = BUILT_IN_KINDS.get(body.kind);
    if (kind && kind.class !== "bookkeeping" && kind.class !== "effect")
      smallest = Math.min(smallest, body.trust);
  }
  return smallest;
}
