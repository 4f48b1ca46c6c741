/** Gates `shadow`, `kpi_regression` and `phi` over recorded runs (rollout.md 5, 7; phi.md 4, 5, 10). */
import type { JsonObject } from "../../firmware/core/json.ts";
import { percentile } from "../../firmware/core/percentile.ts";
import {
  type AbSide,
  abVerify,
  multiScore,
  type RegressionSide,
  regression,
  suitePass,
  suiteScore,
  type WindowMetrics,
  weightsFor,
} from "../../firmware/phi/index.ts";
import type { OtaSettings } from "../settings.ts";
import type { Gate, GateFinding } from "./runner.ts";
import { countDifferences, type ShadowPair, type SideMetrics } from "./shadow-runs.ts";

export interface ShadowJudgement {
  readonly pairs: readonly ShadowPair[];
  readonly settings: OtaSettings;
  readonly repairs: readonly string[];
  /** True for the first release after the factory's. */
  readonly isHistoryWaived: boolean;
  readonly intents: readonly string[];
}

type Violation = Exclude<GateFinding, "no_data">["violations"][number];

const isKnown = (repairs: readonly string[], what: string, program: string): boolean =>
  repairs.includes(`${what}:${program}`);

function shareViolation(
  pairs: readonly ShadowPair[],
  hits: readonly ShadowPair[],
  code: string,
  limit: number,
): readonly Violation[] {
  const share = pairs.length === 0 ? 0 : hits.length / pairs.length;
  if (share <= limit) return [];
  const first = hits[0];
  return [
    { code, class: "soft", details: { share, limit, runId: first?.runId ?? null, why: first?.why ?? null } },
  ];
}

const anyViolation = (
  hits: readonly ShadowPair[],
  code: string,
  cls: "hard" | "soft",
): readonly Violation[] => {
  const first = hits[0];
  return first
    ? [
        {
          code,
          class: cls,
          details: { runs: hits.length, runId: first.runId, program: first.program, why: first.why },
        },
      ]
    : [];
};

function judgeShadow({ pairs, settings, repairs, isHistoryWaived }: ShadowJudgement): GateFinding {
  const { minRuns, maxNewRefusals } = settings.shadow;
  const of = (...kinds: readonly string[]): readonly ShadowPair[] =>
    pairs.filter(({ difference }) => kinds.includes(difference));
  const unacknowledged = (what: string, hits: readonly ShadowPair[]): readonly ShadowPair[] =>
    hits.filter(({ program }) => !isKnown(repairs, what, program));
  const isTooFew = pairs.length < minRuns;
  const few: readonly Violation[] =
    isTooFew && !isHistoryWaived
      ? [{ code: "insufficient_runs", class: "soft", details: { have: pairs.length, need: minRuns } }]
      : [];
  return {
    violations: [
      ...few,
      ...anyViolation(of("replay_mismatch"), "replay_mismatch", "hard"),
      ...anyViolation(of("new_effect"), "new_effect", "hard"),
      ...anyViolation(unacknowledged("output_changed", of("other_target")), "output_changed", "hard"),
      ...anyViolation(unacknowledged("output_changed", of("different_output")), "output_changed", "soft"),
      ...shareViolation(pairs, of("refused_now"), "new_refusals", maxNewRefusals),
      ...shareViolation(pairs, unacknowledged("unrecorded", of("unrecorded")), "unrecorded", 0.02),
    ],
    facts: {
      runs: pairs.length,
      minRuns,
      differences: countDifferences(pairs),
      ...(isTooFew && isHistoryWaived ? { waived: "insufficient_runs" } : {}),
    },
  };
}

interface Comparable extends ShadowPair {
  readonly candidate: SideMetrics;
}

const comparable = (pairs: readonly ShadowPair[]): readonly Comparable[] =>
  pairs.flatMap((pair) => (pair.candidate === null ? [] : [{ ...pair, candidate: pair.candidate }]));

interface Measured {
  readonly count: number;
  readonly errorRate: number | null;
  readonly p95Ms: number | null;
  readonly memKb: number | null;
  readonly costUnits: number | null;
}

function measure(pairs: readonly Comparable[], side: "active" | "candidate"): Measured {
  const count = pairs.length;
  if (count === 0) return { count, errorRate: null, p95Ms: null, memKb: null, costUnits: null };
  const own = pairs.map((pair) => pair[side]);
  const timed = pairs.filter((pair) => !pair[side].denied).map(({ latencyMs }) => latencyMs);
  const ascending = (values: readonly number[]): number[] => [...values].sort((a, b) => a - b);
  const cost = own.reduce((sum, one) => sum + one.chargedMilli / 10 + one.cpuSteps / 1000, 0);
  return {
    count,
    errorRate: own.filter(({ error }) => error).length / count,
    p95Ms: percentile(ascending(timed), 0.95),
    memKb: percentile(ascending(own.map(({ memKb }) => memKb)), 0.95),
    costUnits: cost / count,
  };
}

const abSide = ({ count, errorRate, p95Ms }: Measured): AbSide => ({ count, errorRate, p95Ms });
const regressionSide = ({ count, errorRate, p95Ms }: Measured): RegressionSide => ({
  count,
  p95: p95Ms,
  errorRate,
  schemaErrorRate: 0,
});
const windowOf = ({ p95Ms, costUnits, errorRate, memKb }: Measured): WindowMetrics => ({
  p95Ms,
  costUnits,
  errorRate,
  memKb,
});

/** Too little history is waived together with `insufficient_runs`, never by itself. */
const isWaived = ({ isHistoryWaived, pairs, settings }: ShadowJudgement, code: string): boolean =>
  isHistoryWaived && pairs.length < settings.shadow.minRuns && code === "insufficient_data";

function judgeKpi(given: ShadowJudgement): GateFinding {
  const pairs = comparable(given.pairs);
  const verdict = regression(
    regressionSide(measure(pairs, "active")),
    regressionSide(measure(pairs, "candidate")),
    given.settings.regression,
  );
  const { p95Ms, errorRate } = verdict.deltas;
  const deltas: JsonObject = { p95Ms, errorRate };
  return {
    violations: verdict.reasons
      .filter((code) => !isWaived(given, code))
      .map((code) => ({ code, details: { ...deltas, runs: pairs.length } })),
    facts: { deltas, runs: pairs.length },
  };
}

/** Both sides on the same runs: suite score, tail, A/B and the ceiling; both Φ stand in every answer. */
function judgePhi(given: ShadowJudgement): GateFinding {
  const { settings } = given;
  const pairs = comparable(given.pairs);
  const active = pairs.map(({ activePhi }) => activePhi);
  const candidate = pairs.map(({ candidatePhi }) => candidatePhi);
  const before = suiteScore(active);
  const after = suiteScore(candidate);
  const sides = { active: measure(pairs, "active"), candidate: measure(pairs, "candidate") };
  const weights = weightsFor(settings.weights, given.intents);
  if (!weights.ok) return { violations: [{ code: weights.code, class: "hard", details: weights.details }] };
  const score = multiScore(windowOf(sides.candidate), weights.weights, settings.norms);
  const facts: JsonObject = {
    activePhi: before.phi,
    candidatePhi: after.phi,
    activeTail: before.phi === null ? null : before.tail,
    candidateTail: after.phi === null ? null : after.tail,
    windowPhi: score.phi,
    ceiling: settings.ceiling,
    unmeasured: score.missing,
    objective: settings.objective,
    runs: pairs.length,
  };
  const violations: Violation[] = [];
  const suite = suitePass(active, candidate, settings.objective, settings.epsilon);
  if (!suite.ok) violations.push({ code: suite.code, details: { ...suite.details, ...facts } });
  const ab = abVerify(abSide(sides.active), abSide(sides.candidate), settings.ab);
  if (!ab.ok) violations.push({ code: ab.code, details: { ...ab.details, ...facts } });
  if (pairs.length > 0 && score.phi > settings.ceiling) {
    violations.push({ code: "phi_ceiling_exceeded", class: "hard", details: facts });
  }
  const open = violations.filter(({ code }) => !isWaived(given, code));
  const distinct = open.filter(({ code }, i) => open.findIndex((other) => other.code === code) === i);
  return { violations: distinct, facts };
}

export const shadowGate = (given: ShadowJudgement): Gate => ({
  name: "shadow",
  class: "soft",
  check: () => judgeShadow(given),
});

export const kpiGate = (given: ShadowJudgement): Gate => ({
  name: "kpi_regression",
  class: "soft",
  check: () => judgeKpi(given),
});

export const phiGate = (given: ShadowJudgement): Gate => ({
  name: "phi",
  class: "soft",
  check: () => judgePhi(given),
});
