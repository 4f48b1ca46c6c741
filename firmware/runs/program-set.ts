/** What is in force: one policy with its programs. A run keeps the set it started with; there is never a mixture. */
import type { Decider } from "../capabilities/index.ts";
import type { SourceList, SourceRegistry } from "../evidence/index.ts";
import type { EvidenceRules } from "../policy/index.ts";
import type { CompiledPolicy, Subject } from "../policy/types.ts";
import type { VerifiedProgram } from "../vm/index.ts";
import type { ProgramDocument } from "../vm/types.ts";

export type ProgramState = "enabled" | "disabled" | "invalid" | "awaiting_resource";

export interface InstalledProgram {
  readonly document: ProgramDocument;
  readonly programHash: string;
  readonly verified: VerifiedProgram;
}

export interface ReleaseSet {
  /** Hash of the release that brought it; of the policy for the factory set. */
  readonly releaseHash: string;
  readonly policy: CompiledPolicy;
  readonly decider: Decider;
  readonly sources: SourceRegistry;
  /** The signed list that the sources were made from; null: the factory's rules alone. */
  readonly sourceList: SourceList | null;
  /** Kinds, units and ages of evidence, as the policy declares them. */
  readonly evidence: EvidenceRules;
  readonly programs: ReadonlyMap<string, InstalledProgram>;
  /** Programs that were refused, with the reason. */
  readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

export const subjectOf = (program: string): string => `program:${program}`;

export function subjectIn(policy: CompiledPolicy, subject: string): Subject | undefined {
  return Object.hasOwn(policy.subjects, subject) ? policy.subjects[subject] : undefined;
}
