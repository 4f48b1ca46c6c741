/** What a release must find in order before it may stay: the device's own checks (rollout.md 9). */
import type { SelfTestCheck } from "../../ota/index.ts";
import { utf8 } from "../core/bytes.ts";
import type { JsonObject } from "../core/json.ts";
import { defaultRequirement, RunEvidence, riskLayer, tighten } from "../evidence/index.ts";
import { put } from "../ports/store.ts";
import { createMachine, TIER_LIMITS, verifyProgram } from "../vm/index.ts";
import type { DeviceParts } from "./device-parts.ts";
import { resourcesOf } from "./hardware-needs.ts";
import { loadIdentity } from "./identity.ts";

const MIN_HEADROOM = 0.1;
const PROBE_SUB = "selftest";

/** Sums 10 to 1; what it must come to is fixed by the rules of the machine, not by this build. */
const GOLDEN_PROGRAM = {
  format: "imu.program/1",
  name: "self-test",
  version: "1.0.0",
  isa: 1,
  code: [
    { op: "PUSH", value: 10 },
    { op: "STORE", reg: "n" },
    { op: "PUSH", value: 0 },
    { op: "STORE", reg: "sum" },
    { op: "LABEL", name: "NEXT" },
    { op: "LOAD", reg: "n" },
    { op: "JZ", label: "DONE" },
    { op: "LOAD", reg: "sum" },
    { op: "LOAD", reg: "n" },
    { op: "ADD" },
    { op: "STORE", reg: "sum" },
    { op: "LOAD", reg: "n" },
    { op: "PUSH", value: 1 },
    { op: "SUB" },
    { op: "STORE", reg: "n" },
    { op: "JUMP", label: "NEXT" },
    { op: "LABEL", name: "DONE" },
    { op: "RESPOND", status: 200, body: { sum: "reg:sum" } },
  ],
} as const;
const GOLDEN_SUM = 55;

type Problem = { readonly code: string; readonly details: JsonObject } | null;
const problem = (code: string, details: JsonObject = {}): Problem => ({ code, details });

async function store({ state }: DeviceParts): Promise<Problem> {
  const value = utf8(state.clock.bootId);
  await state.ledger.commit({ events: [], ops: [put(PROBE_SUB, "probe", value)] }, { urgent: true });
  const read = await state.store.get(PROBE_SUB, "probe");
  return read && Buffer.compare(read, value) === 0 ? null : problem("store_unavailable");
}

async function ledgerHead({ state }: DeviceParts): Promise<Problem> {
  const { ledger } = state;
  const { size, lastHash } = ledger.head;
  if (!ledger.isHealthy) return problem("ledger_unavailable");
  if (size === 0) return null;
  const last = await ledger.reader.entry(size - 1);
  return last?.hash === lastHash ? null : problem("head_mismatch", { size });
}

async function clock({ state }: DeviceParts): Promise<Problem> {
  const { clock: time, timeFloorMs } = state;
  const before = time.monoMs();
  await time.yield();
  return time.wallMs() >= timeFloorMs && time.monoMs() >= before ? null : problem("clock_untrusted");
}

async function keys({ state, config }: DeviceParts): Promise<Problem> {
  const { keyId } = await loadIdentity(state.files, config.stateDir);
  return keyId === state.identity.keyId ? null : problem("key_malformed");
}

async function drivers({ board, runs }: DeviceParts): Promise<Problem> {
  for (const need of resourcesOf(runs.set.policy)) {
    const missing = await board.hardware.probe(need);
    if (missing) return problem("resource_required", { resource: missing.resource, why: missing.why });
  }
  return null;
}

async function outputs({ capabilities, runs }: DeviceParts): Promise<Problem> {
  for (const { name, uri, safe } of runs.set.policy.outputs) {
    const isLevel = uri.startsWith("gpio://") && (safe === 0 || safe === 1);
    if (isLevel && capabilities.outputs.drivenLevel(uri) === null)
      return problem("readback_mismatch", { output: name });
  }
  return null;
}

async function vm({ loader, vm: { executor } }: DeviceParts): Promise<Problem> {
  const verified = verifyProgram(GOLDEN_PROGRAM, loader.view);
  if (!verified.ok) return problem("program_invalid");
  const machine = createMachine(verified, {
    payload: {},
    trigger: { kind: "boot" },
    limits: TIER_LIMITS.low,
    inputs: { elapsedMs: () => 0 },
    executor,
  });
  machine.runSlice(TIER_LIMITS.low.cpuSteps);
  const body = machine.result?.outcome.body ?? null;
  const sum = typeof body === "object" && body !== null && "sum" in body ? body.sum : null;
  return sum === GOLDEN_SUM ? null : problem("vm_internal", { expected: GOLDEN_SUM, got: sum ?? null });
}

/** The guard must refuse an empty list and accept a fresh, sealed reading; a guard that does neither is none. */
async function guard({ state, runs, board }: DeviceParts): Promise<Problem> {
  const evidence = new RunEvidence({
    runId: "self-test",
    subject: "daemon:self-test",
    deviceId: state.identity.deviceId,
    policyHash: runs.set.policy.policyHash,
    clock: state.clock,
    sources: runs.set.sources,
    ...runs.set.evidence,
    sealer: state.identity.seal,
    maxPerRun: 16,
  });
  const requirement = tighten(defaultRequirement("gpio.write"), riskLayer("low"));
  const red = evidence.guard({ effect: "gpio.write", requirement, risk: "low" });
  if (red.ok || red.reason !== "no_evidence") return problem("guard_error", { case: "red" });
  const source = board.hardware.simulated ? "sim://gpio/gpiochip0/0" : "gpio://gpiochip0/0";
  evidence.record({ kind: "gpio_read", source, payload: { value: 1 } });
  const green = evidence.guard({ effect: "gpio.write", requirement, risk: "low" });
  return green.ok ? null : problem(green.reason, { case: "green" });
}

async function memory({ state }: DeviceParts): Promise<Problem> {
  const headroom = state.platform.heapHeadroom();
  return headroom >= MIN_HEADROOM ? null : problem("low_memory", { headroom });
}

/** In the order of rollout.md 9; a check's name is the code of its failure. */
export function selfTests(parts: DeviceParts): readonly SelfTestCheck[] {
  const checks: readonly (readonly [name: string, check: (parts: DeviceParts) => Promise<Problem>])[] = [
    ["store", store],
    ["ledger_head", ledgerHead],
    ["clock", clock],
    ["keys", keys],
    ["drivers", drivers],
    ["outputs", outputs],
    ["vm", vm],
    ["guard", guard],
    ["memory", memory],
  ];
  return checks.map(([name, check]) => ({ name, check: () => check(parts) }));
}
