import { runGates } from "../../../ota/gates/runner.ts";
import { BEGINNING, isRefused, type OtaEvent, type Progress, transition } from "../../../ota/machine.ts";
import { cohort, raise, share, updateSlots } from "../../../ota/rules/cohort.ts";
import { configDrift } from "../../../ota/rules/drift.ts";
import { judgeGrace } from "../../../ota/rules/grace.ts";
import {
  autotune,
  headroomOf,
  judgeLink,
  judgeRuntimeBudget,
  tuneStage,
} from "../../../ota/rules/headroom.ts";
import { evaluateHold, holdBegin, windowVerdict } from "../../../ota/rules/hold.ts";
import { DEFAULT_PROBE, judgeProbe } from "../../../ota/rules/probe.ts";
import { remedyP95 } from "../../../ota/rules/remediation.ts";
import {
  firstStage,
  nextStage,
  planProblem,
  type StageInput,
  stageBackoff,
} from "../../../ota/rules/stages.ts";
import { rollbackTarget } from "../../../ota/rules/target.ts";
import type { Given, OpModule } from "../registry.ts";

function machine(given: Given): unknown {
  let progress: Progress = BEGINNING;
  const trace: string[] = [];
  for (const item of given.events) {
    const event: OtaEvent = typeof item === "string" ? item : item.event;
    const next = transition(progress, event, {
      ...(item.reason === undefined ? {} : { reason: item.reason }),
      ...(given.maxTrialRestarts === undefined ? {} : { maxTrialRestarts: given.maxTrialRestarts }),
    });
    if (isRefused(next)) trace.push(`refused:${next.code}`);
    else {
      progress = next;
      trace.push(String(next.state));
    }
  }
  return { trace, final: progress.state, reason: progress.reason };
}

async function gates(given: Given): Promise<unknown> {
  const groups = given.groups.map((group: Given) => ({
    gates: group.gates.map((gate: Given) => ({
      name: gate.name,
      class: gate.class,
      enabled: gate.enabled !== false && gate.disabled !== true,
      check: () => {
        if (gate.throws) throw new Error("injected");
        return gate.noData
          ? "no_data"
          : { violations: (gate.violations ?? []).map((code: string) => ({ code })) };
      },
    })),
  }));
  const { ok, violations, ran } = await runGates(groups, {
    at: 0,
    input: {},
    signal: new AbortController().signal,
  });
  return { ok, violations, ran };
}

function canary(given: Given): unknown {
  const { stages } = given;
  const problem = planProblem(stages);
  if (problem) return problem;
  let state = firstStage(stages, 0);
  const trace = given.events.map((event: Given) => {
    const gate = event.gate ?? (event.heal === "rollback" ? "heal" : event.heal);
    const factor = event.rollbackFactor ?? given.rollbackFactor ?? 0.5;
    const input: StageInput =
      gate === "fail"
        ? { at: event.atMs, gate, hard: event.hard === true }
        : gate === "pass"
          ? { at: event.atMs, gate }
          : { at: event.atMs, gate: "heal", rollbackFactor: factor };
    state = nextStage(stages, state, input);
    const { idx, failures } = state;
    return { state: state.state, stage: stages[idx].name, percent: state.percents[idx], failures };
  });
  return { ok: true, trace };
}

function grace(given: Given): unknown {
  const result = judgeGrace(given);
  if (result.ok) return { allowed: true, maxPercent: result.maxPercent };
  return { ...result.details, ...result, allowed: false };
}

function hold(given: Given): unknown {
  const config = { maxHoldMs: 86_400_000, violationLimit: 0, consecutiveOk: 2, ...given.config };
  let state = holdBegin(config);
  const decisions: string[] = [];
  for (const seen of given.evaluations) {
    const judged = evaluateHold(state, seen, config);
    state = judged.state;
    const { decision } = judged;
    decisions.push(decision.do === "rollback" ? `rollback:${decision.reason}` : decision.do);
    if (decision.do !== "hold") break;
  }
  return { decisions };
}

function probe(given: Given): unknown {
  const limits = { ...DEFAULT_PROBE, ...given.limits };
  const found = judgeProbe({ errorRate: null, p95Ms: null, ...given }, limits);
  const violations = found.map(({ code, details }) => ({ gate: "probe", code, ...details }));
  return { ok: found.length === 0, violations };
}

function remediation(given: Given): unknown {
  const result = remedyP95(given.signed.maxP95IncreaseMs, given.p95DeltaMs, given.policy);
  return result.ok ? result : { ...result, gate: "kpi_regression", code: "p95_regression" };
}

function drift(given: Given): unknown {
  const result = configDrift(given.left, given.right, given.allow);
  return result.ok ? result : { ...result.details, code: result.code };
}

const listed = (found: readonly { readonly details: object }[]): unknown => ({
  ok: found.length === 0,
  violations: found.map(({ details, ...rest }) => ({ ...rest, ...details })),
});

export const modules: readonly OpModule[] = [
  {
    area: "rollout",
    ops: {
      "rollout.machine": machine,
      "rollout.gates": gates,
      "rollout.cohort": ({ rolloutId, deviceId, percent, roster }) =>
        cohort(rolloutId, deviceId, percent, roster),
      "rollout.share": ({ total, percent }) => share(total, percent),
      "rollout.raise": ({ total, current, addPercent }) => raise(total, current, addPercent),
      "rollout.backoff": ({ failures }) => ({ ms: stageBackoff(failures) }),
      "rollout.canary": canary,
      "rollout.headroom": ({ sla, measured, nearMissFactor }) => headroomOf(sla, measured, nearMissFactor),
      "rollout.autotune": ({ percent, headroom, config }) => ({
        percent: autotune(percent, headroom, config),
      }),
      "rollout.tuneStage": tuneStage,
      "rollout.runtimeBudget": (given) => listed(judgeRuntimeBudget(given)),
      "rollout.link": (given) => listed(judgeLink(given)),
      "rollout.grace": grace,
      "rollout.remediation": remediation,
      "rollout.drift": drift,
      "rollout.target": rollbackTarget,
      "rollout.hold": hold,
      "rollout.verdict": ({ slaOk, compare }) => ({ verdict: windowVerdict(slaOk, compare) }),
      "rollout.slots": updateSlots,
      "rollout.probe": probe,
    },
  },
];
