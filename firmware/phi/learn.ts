/** Nominating a better candidate on its own history (phi.md 8). Nothing is adopted here. */
import { PHI_LIMITS } from "../core/limits.ts";
import { settled } from "./convergence.ts";

export type LearnVerdict =
  | "initial"
  | "incumbent"
  | "insufficient_history"
  | "not_better"
  | "not_settled"
  | "promote";

export interface LearnState {
  readonly incumbent: string | null;
  /** The incumbent before the last promotion. */
  readonly previous: string | null;
  /** Newest scores per candidate, least recently used candidate first. */
  readonly histories: readonly (readonly [candidate: string, scores: readonly number[]])[];
}

export interface LearnUpdate {
  readonly state: LearnState;
  readonly verdict: LearnVerdict;
  /** Means of the last 20 scores; null without that many. */
  readonly level: number | null;
  readonly incumbentLevel: number | null;
  readonly n: number;
}

const NEEDED = 20;
const SLACK = 1e-9;
const DEFAULT_MARGIN = 0.01;

export const emptyLearnState: LearnState = { incumbent: null, previous: null, histories: [] };

const historyOf = (state: LearnState, candidate: string | null): readonly number[] =>
  state.histories.find(([id]) => id === candidate)?.[1] ?? [];

function levelOf(history: readonly number[]): number | null {
  if (history.length < NEEDED) return null;
  return history.slice(-NEEDED).reduce((sum, phi) => sum + phi, 0) / NEEDED;
}

/** Appends to the candidate's history; the least recently used other candidate goes first, the incumbent never. */
function remember(state: LearnState, candidate: string, phi: number): LearnState {
  const history = [...historyOf(state, candidate), phi].slice(-PHI_LIMITS.history);
  const others = state.histories.filter(([id]) => id !== candidate);
  if (others.length >= PHI_LIMITS.candidates) {
    const oldest = others.findIndex(([id]) => id !== state.incumbent);
    others.splice(oldest, 1);
  }
  return { ...state, histories: [...others, [candidate, history]] };
}

function judge(state: LearnState, candidate: string, margin: number): LearnVerdict {
  if (state.incumbent === candidate) return "incumbent";
  const history = historyOf(state, candidate);
  const level = levelOf(history);
  const incumbentLevel = levelOf(historyOf(state, state.incumbent));
  if (level === null || incumbentLevel === null) return "insufficient_history";
  if (level > (1 - margin) * incumbentLevel + SLACK) return "not_better";
  return settled(history) ? "promote" : "not_settled";
}

/** Takes one score (finite, at least 0) of a candidate and judges it against the incumbent. Pure. */
export function observe(
  state: LearnState,
  candidate: string,
  phi: number,
  promoteMargin = DEFAULT_MARGIN,
): LearnUpdate {
  const next = remember(state, candidate, phi);
  const verdict = next.incumbent === null ? "initial" : judge(next, candidate, promoteMargin);
  const levels = {
    level: levelOf(historyOf(next, candidate)),
    incumbentLevel: levelOf(historyOf(next, next.incumbent)),
    n: historyOf(next, candidate).length,
  };
  if (verdict === "initial") return { state: { ...next, incumbent: candidate }, verdict, ...levels };
  if (verdict === "promote") {
    return { state: { ...next, incumbent: candidate, previous: next.incumbent }, verdict, ...levels };
  }
  return { state: next, verdict, ...levels };
}
