/** What the evidence section says of kinds, units and ages, ready for whoever records and judges evidence. */
import { type CustomKind, KindTable } from "../evidence/index.ts";
import { evidenceSectionOf } from "./sections.ts";
import type { CompiledPolicy } from "./types.ts";

export interface EvidenceRules {
  /** The built-in kinds and those that the policy declares. */
  readonly kinds: KindTable;
  /** Units beside the built-in table. */
  readonly units: readonly string[];
  /** Largest age of a seal for level 3, in ms. */
  readonly signatureFreshMs: number;
  /** Trust of a source that no rule matches, 0..0.5. */
  readonly unknownTrust: number;
}

/** Made once per release. The compiler has checked every member. */
export function evidenceRules(policy: CompiledPolicy): EvidenceRules {
  const { kinds, units, signatureFreshMs, unknownTrust } = evidenceSectionOf(policy);
  const custom = Object.entries(kinds).map(([kind, rule]): CustomKind => ({ kind, ...rule }));
  return { kinds: new KindTable(custom), units, signatureFreshMs, unknownTrust };
}
