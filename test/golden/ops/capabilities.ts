import { findBoard, resourceRequirement } from "../../../boards/index.ts";
import {
  Admission,
  argsSummary,
  blockedCallVerdict,
  canonicalId,
  checkArguments,
  compileTemplates,
  isPermitted,
  lintContract,
  nextAskState,
  planHashOf,
  publishTopic,
  RateLimiter,
  renderCalls,
  resumeVerdict,
  type StepFacts,
  workspacePath,
} from "../../../firmware/capabilities/index.ts";
import { fallbackText } from "../../../firmware/evidence/index.ts";
import { openDevice } from "../../capabilities/device.ts";
import { buildHarness, type HarnessOptions } from "../../capabilities/harness.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import type { Given, OpModule } from "../registry.ts";

const harnessOptions = (given: Given): HarnessOptions => ({
  failing: given.failing,
  class: given.class ?? "effect",
  safeValue: given.safeValue === true,
  touched: given.touched ?? true,
  costMilli: given.costMilli ?? 500,
  output: { durability: given.durability ?? "group" },
});
const argumentsFor = (given: Given) => (given.failing.includes("contract") ? {} : { value: 1 });
const capabilityFor = (given: Given): string =>
  ["unknown", "resolve", "alias"].some((name) => given.failing.includes(name)) ? "test.absent" : "test.act";

/** The real gate with parts that refuse where the vector says so; what it leaves behind is read from those parts. */
async function order(given: Given): Promise<unknown> {
  const harness = buildHarness(harnessOptions(given));
  const context = harness.context();
  let slot = "none";
  const arrive = harness.admission.arrive.bind(harness.admission);
  harness.admission.arrive = (call) => {
    const answer = arrive(call);
    if (!("ok" in answer)) slot = "taken";
    return answer;
  };
  const signal = new AbortController().signal;
  const before = harness.balanceMilli();
  const result = await harness.gate.call(context, capabilityFor(given), argumentsFor(given), signal);
  if (slot === "taken" && harness.admission.running === 0) slot = "released";
  return {
    ...result,
    slot,
    rateToken: harness.ratesTaken() ? "spent" : "none",
    chargedMilli: before - harness.balanceMilli(),
    driverCalled: harness.log.includes("driver"),
    safeStateDriven: "safeState" in result && result.safeState !== undefined,
  };
}

async function plan(given: Given): Promise<unknown> {
  const harness = buildHarness(harnessOptions(given));
  const shown = await harness.gate.plan(harness.context(), capabilityFor(given), argumentsFor(given));
  return {
    ok: shown.ok,
    reason: shown.reason,
    findings: shown.findings.map(({ code }) => code),
    sideEffects: [
      ...harness.log,
      ...harness.drafts,
      ...harness.alerts,
      ...harness.asked,
      ...harness.hardware.requested,
    ],
  };
}

/** The registry of all built-in capabilities answers, as it does in step 1 of a call. */
async function alias({ name }: Given): Promise<unknown> {
  const device = await openDevice(new ManualClock());
  const harness = buildHarness({ capabilities: device.build });
  const id = canonicalId(name);
  if (id !== name) return { id };
  const result = await harness.gate.call(harness.context(), name, {}, new AbortController().signal);
  return !result.ok && result.code === "unknown_capability" ? result : { id };
}

function contract({ contract, args }: Given): unknown {
  const verdict = checkArguments(contract, args);
  if (verdict.ok) return verdict;
  const { reason, path, violations } = verdict.details as Given;
  return { ok: false, code: verdict.code, status: verdict.status, reason, path, count: violations.length };
}

function rate(given: Given): unknown {
  const limiter = new RateLimiter();
  const rates = given.buckets.map(({ scope, rps, burst }: Given) => ({
    scope,
    key: scope,
    rate: { rps, burst },
  }));
  const results = given.takes.map(({ atMs, n }: Given) => {
    const refused = limiter.take(rates, atMs, n ?? 1);
    return refused ? { ok: false, code: refused.code, ...refused.details } : { ok: true };
  });
  return { results };
}

function admission(given: Given): unknown {
  const { global, perSubject, perCapability = {} } = given.caps;
  const gate = new Admission({ global, perSubject, perCapability }, given.limits);
  const one = (event: Given): unknown => {
    if (event.t === "abort") return { admitted: gate.abandon(event.id) ? [] : gate.release(event.id) };
    const answer =
      event.t === "call"
        ? gate.arrive({ id: event.id, subject: event.subject, capability: event.capability })
        : event.t === "done"
          ? gate.release(event.id)
          : gate.resize(event.caps);
    if ("ok" in answer) return { admitted: [], code: answer.code, why: answer.details.why };
    return { admitted: answer.map(({ id }) => id) };
  };
  return { steps: given.events.map(one) };
}

/** Charges through the whole gate: a call whose guard refuses must cost nothing. */
async function charge(given: Given): Promise<unknown> {
  const results: unknown[] = [];
  let balanceMilli: number = given.balanceMilli;
  for (const { costMilli, guardFails } of given.calls) {
    const failing = guardFails ? ["guard"] : [];
    const harness = buildHarness({ failing, costMilli, balanceMilli });
    const signal = new AbortController().signal;
    const result = await harness.gate.call(harness.context(), "test.act", { value: 1 }, signal);
    balanceMilli = harness.balanceMilli();
    results.push(
      result.ok
        ? { ok: true, balanceMilli }
        : { ...(result.details as object), ok: false, code: result.code, balanceMilli },
    );
  }
  return { results };
}

function resource({ need, board: boardId, ...facts }: Given): unknown {
  const board = findBoard(boardId);
  if (!board) throw new Error(`no board ${boardId}`);
  const verdict = resourceRequirement(need, { board, ...facts });
  if (verdict.kind === "present") return { ok: true };
  return verdict.kind === "refused"
    ? verdict.refusal
    : { ...verdict.requirement, code: "resource_required", status: 428 };
}

function ask({ state, event }: Given): unknown {
  const next = nextAskState(state, event);
  if (!next) return { state };
  const count = next.repeated ? { count: "+1" } : {};
  return { state: next.state, ...count, ...(next.resume === null ? {} : { resume: next.resume }) };
}

/** The manifests call `gpio.pulse`, which the vectors take for granted. */
const PULSE: StepFacts = { class: "effect", costMilli: 500, resources: [], derived: false };

function derived({ manifest, args }: Given): unknown {
  const compiled = compileTemplates(manifest, (id) => (id === "gpio.pulse" ? PULSE : null));
  if (!compiled.ok) return compiled;
  const checked = checkArguments({ params: compiled.templates.params, positional: [] }, args);
  if (!checked.ok) return checked;
  const rendered = renderCalls(compiled.templates, checked.args);
  return rendered.ok ? { ok: true, calls: rendered.value } : rendered;
}

export const modules: readonly OpModule[] = [
  {
    area: "capabilities",
    ops: {
      "cap.order": order,
      "cap.plan": plan,
      "cap.contract": contract,
      "cap.lint": (given) => {
        const finding = lintContract(given.contract);
        return finding ? { ok: false, ...finding } : { ok: true };
      },
      "cap.alias": alias,
      "cap.rate": rate,
      "cap.admission": admission,
      "cap.planHash": ({ capability, version, target, args }) => ({
        planHash: planHashOf({ id: capability, version }, target, args),
      }),
      "cap.fsPath": (given) => workspacePath(given.path),
      "cap.topic": ({ fleet, device, tier, outputTopic, subtopic }) =>
        publishTopic({ fleet, device }, tier, outputTopic, subtopic),
      "cap.permission": ({ records, now, subject, topic, action, bound }) => {
        const allowed = isPermitted(records, { subject, topic, action, bound }, now);
        return allowed ? { allowed } : { allowed, code: "permission_denied" };
      },
      "cap.argsSummary": (given) => ({ summary: argsSummary(given.args) }),
      "cap.text": (given) => ({ text: fallbackText(given.reason, given.details) }),
      "cap.charge": charge,
      "cap.blockedCalls": (given) => blockedCallVerdict(given.blocked, given.limit),
      "cap.derived": derived,
      "cap.resource": resource,
      "cap.ask": ask,
      "cap.resume": (given) => resumeVerdict(given.trigger, given.ageMs),
    },
  },
];
