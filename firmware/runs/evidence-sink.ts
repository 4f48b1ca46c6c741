/** Readings of one run's evidence that the run itself needs. */
import { isJsonObject, type Json, member } from "../core/json.ts";
import type { KindTable, RunEvidence } from "../evidence/index.ts";
import type { ProgramClaim } from "../vm/types.ts";

const HARDWARE = /^(gpio|i2c|spi|serial):\/\//;

/** A source pattern as this composition records it: simulated hardware keeps the `sim://` prefix for ever (evidence.md 4). */
export const recordedSource = (source: string, simulated: boolean): string =>
  simulated && HARDWARE.test(source) ? `sim://${source.replace("://", "/")}` : source;

/** Where a claim's value was read, in the words of this composition. */
function recordedOrigin(from: Json, simulated: boolean): Json {
  const source = isJsonObject(from) ? member(from, "evidence") : undefined;
  if (!isJsonObject(from) || typeof source !== "string") return from;
  return { ...from, evidence: recordedSource(source, simulated) };
}

/** Claims of a program whose sources are those that this composition records. */
export const withRecordedSources = (claims: readonly ProgramClaim[], simulated: boolean): readonly Json[] =>
  claims.map((claim) => ({
    ...claim,
    evidence: [...claim.evidence],
    sources: claim.sources.map((source) => recordedSource(source, simulated)),
    from: recordedOrigin(claim.from, simulated),
  }));

/** Smallest trust of what a run has seen, 1 if it has seen nothing (vm.md 10, "Trace"). */
export function smallestTrust(evidence: RunEvidence, kinds: KindTable): number {
  let smallest = 1;
  for (const { body } of evidence.list) {
    const kind = kinds.get(body.kind);
    if (kind && kind.class !== "bookkeeping" && kind.class !== "effect")
      smallest = Math.min(smallest, body.trust);
  }
  return smallest;
}
