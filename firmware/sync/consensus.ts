/** Opinions of devices and the strength of what they decide (sync.md 2). Advice, never evidence for an effect. */
import { canonicalize } from "../core/canonical-json.ts";
import type { Json } from "../core/json.ts";

export interface Opinion {
  readonly agent: string;
  readonly value: Json;
  /** 0..1 */
  readonly confidence: number;
}

export type Decision =
  | {
      readonly decided: true;
      readonly value: Json;
      readonly votesFor: number;
      readonly votesTotal: number;
      /** Mean of the supporters. */
      readonly confidence: number;
    }
  | {
      readonly decided: false;
      readonly reason: "too_few_opinions" | "no_majority";
      readonly votesTotal: number;
    };

export const CONSENSUS = { threshold: 0.66, minOpinions: 3 } as const;

/** One opinion per agent, the first counts; equal votes go to the smaller RFC 8785 text. */
export function decideOpinions(
  opinions: readonly Opinion[],
  { threshold, minOpinions }: { readonly threshold: number; readonly minOpinions: number } = CONSENSUS,
): Decision {
  const first = new Map<string, Opinion>();
  for (const opinion of opinions) if (!first.has(opinion.agent)) first.set(opinion.agent, opinion);
  const votesTotal = first.size;
  if (votesTotal < minOpinions) return { decided: false, reason: "too_few_opinions", votesTotal };
  const byValue = new Map<string, Opinion[]>();
  for (const opinion of first.values()) {
    const text = canonicalize(opinion.value);
    byValue.set(text, [...(byValue.get(text) ?? []), opinion]);
  }
  const ranked = [...byValue].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  const supporters = ranked[0]?.[1] ?? [];
  const [leader] = supporters;
  if (leader === undefined || supporters.length / votesTotal < threshold)
    return { decided: false, reason: "no_majority", votesTotal };
  const confidence = supporters.reduce((sum, opinion) => sum + opinion.confidence, 0) / supporters.length;
  return { decided: true, value: leader.value, votesFor: supporters.length, votesTotal, confidence };
}

/** 0.1..1, for a versioned register. */
export function decisionStrength(votes: {
  readonly votesFor: number;
  readonly votesTotal: number;
  readonly confidence: number;
  readonly maxStrength: number;
}): number {
  const share = votes.votesFor / Math.max(1, votes.votesTotal);
  const strength = votes.maxStrength * (0.4 + 0.5 * (0.5 * votes.confidence + 0.5 * share));
  return Math.min(1, Math.max(0.1, strength));
}
