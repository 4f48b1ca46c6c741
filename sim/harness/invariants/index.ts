/** The rules of simulator.md 11 that are checked on what a run has left behind. I14 compares two runs and is elsewhere. */

import { boundsInvariant } from "./bounds.ts";
import { commandInvariant } from "./commands.ts";
import { convergenceInvariant } from "./convergence.ts";
import { durabilityInvariant } from "./durability.ts";
import { effectInvariant } from "./effects.ts";
import { errorInvariant } from "./errors.ts";
import { readFacts } from "./facts.ts";
import type { Invariant, InvariantContext, Observations } from "./invariant.ts";
import { ledgerInvariant } from "./ledger.ts";
import { quotaInvariant, tightenInvariant } from "./limits.ts";
import { markedInvariant } from "./marked.ts";
import { otaInvariant } from "./ota.ts";
import { proofInvariant } from "./proofs.ts";
import { replayInvariant } from "./replay.ts";
import { retentionInvariant } from "./retention.ts";
import { rollupOrderInvariant } from "./rollup-order.ts";
import { safeStateInvariant } from "./safe-state.ts";
import { secretInvariant } from "./secrets.ts";
import { signedHistoryInvariant } from "./signed-history.ts";

export type * from "./invariant.ts";

/** All rules, in the order of their numbers. */
export const ALL_INVARIANTS: readonly Invariant[] = [
  effectInvariant,
  ledgerInvariant,
  rollupOrderInvariant,
  replayInvariant,
  safeStateInvariant,
  commandInvariant,
  convergenceInvariant,
  tightenInvariant,
  quotaInvariant,
  otaInvariant,
  durabilityInvariant,
  secretInvariant,
  boundsInvariant,
  errorInvariant,
  markedInvariant,
  proofInvariant,
  signedHistoryInvariant,
  retentionInvariant,
];

/** Reads every device's disk once. */
export async function openContext(observations: Observations): Promise<InvariantContext> {
  const facts = [];
  for (const device of observations.devices) facts.push(await readFacts(device));
  return { ...observations, facts };
}

/** Judges a run by all rules, or by some; what they find goes to `observations.report`. */
export async function checkInvariants(
  observations: Observations,
  invariants: readonly Invariant[] = ALL_INVARIANTS,
): Promise<void> {
  const context = await openContext(observations);
  for (const invariant of invariants) await invariant.check(context);
}
