/** Vectors of Φ. */
import {
  abVerify,
  type BudgetState,
  charge,
  choose,
  DEFAULT_NORMS,
  DEFAULT_WEIGHTS,
  emptyLearnState,
  epsilonFor,
  explores,
  front,
  fullBudget,
  inCooldown,
  movingAverage,
  multiScore,
  observe,
  refund,
  runScore,
  settled,
  suitePass,
  suiteScore,
  trend,
  weightsFor,
} from "../../../firmware/phi/index.ts";
import type { Given, OpModule } from "../registry.ts";

const usualMetrics = { energyUnits: 0.08, memKb: 2 };
const candidate = (given: Given) => ({ ...given, metrics: { ...usualMetrics, ...given.metrics } });

function chooseCase(given: Given): unknown {
  return choose(given.incumbent ? candidate(given.incumbent) : null, given.candidates.map(candidate), {
    weights: given.weights ?? DEFAULT_WEIGHTS,
    norms: DEFAULT_NORMS,
    ceiling: given.ceiling ?? 0.5,
  });
}

function learnCase(given: Given): unknown {
  const runs: [string, number][] = [];
  for (const [id, phi, times] of given.runs) for (let i = 0; i < times; i++) runs.push([id, phi]);
  for (let i = 0; i < (given.interleave?.rounds ?? 0); i++) runs.push(...given.interleave.each);
  let state = emptyLearnState;
  let firstPromoteAtRun: number | null = null;
  let last: string | null = null;
  for (const [i, [id, phi]] of runs.entries()) {
    const update = observe(state, id, phi);
    state = update.state;
    last = update.verdict;
    if (last === "promote") firstPromoteAtRun ??= i + 1;
  }
  return { firstPromoteAtRun, last, incumbent: state.incumbent };
}

function budgetCase(given: Given): unknown {
  const budget = { ...given, cost: {} };
  let state: BudgetState = fullBudget(budget, 0);
  if (given.balanceMilli !== undefined) state = { ...state, balanceMilli: given.balanceMilli };
  const results = given.events.map((event: Given) => {
    if (event.refundMilli !== undefined) {
      state = refund(state, budget, event.refundMilli, event.atMs);
      return { ok: true, kind: "phi_refund", remainingMilli: state.balanceMilli };
    }
    const result = charge(state, budget, event.capability ?? "x", event.costMilli, event.atMs);
    state = result.state;
    if (!result.ok) return { kind: "phi_reject", ...result.refusal, ...result.refusal.details };
    const { chargedMilli, remainingMilli } = result;
    return { ok: true, kind: "phi_charge", chargedMilli, remainingMilli };
  });
  return { results };
}

const refusedWith = (verdict: { ok: boolean; details?: object }): unknown =>
  verdict.ok ? verdict : { ...verdict.details, ...verdict };

export const modules: readonly OpModule[] = [
  {
    area: "phi",
    ops: {
      "phi.run": (given) => runScore(given.metrics),
      "phi.suite": (given) => suiteScore(given.scores),
      "phi.suitePass": (given) =>
        refusedWith(suitePass(given.active, given.candidate, given.objective, given.epsilon)),
      "phi.multi": (given) => multiScore(given.metrics, given.weights ?? DEFAULT_WEIGHTS, DEFAULT_NORMS),
      "phi.weights": (given) => refusedWith(weightsFor(given.policy ?? {}, given.intents)),
      "phi.pareto": (given) => ({ front: front(given.vectors) }),
      "phi.choose": chooseCase,
      "phi.trend": (given) => trend(given.values, given.options),
      "phi.settled": (given) => ({ settled: settled(given.values, given.options) }),
      "phi.movingAverage": (given) => ({ values: movingAverage(given.values, given.window) }),
      "phi.learn": learnCase,
      "phi.explore": (given) => ({
        exploreAt: Array.from({ length: given.upTo + 1 }, (_, i) => i).filter((n) =>
          explores(given.epsilon, n),
        ),
      }),
      "phi.epsilon": (given) => epsilonFor(given.intents, given.historyLength),
      "phi.cooldown": (given) => ({
        active: inCooldown({ cooldownUntil: given.cooldownUntilMs }, given.nowMs),
      }),
      "phi.abVerify": (given) => refusedWith(abVerify(given.baseline, given.candidate, given.thresholds)),
      "phi.budget": budgetCase,
    },
  },
];
