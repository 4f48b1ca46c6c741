/** Runs with everything that a replay needs read and put into the record of the run (vm.md 12). */
import type { Json } from "../../../../firmware/core/json.ts";
import {
  type Executor,
  type Machine,
  type MachineResult,
  type RunRecord,
  VM_VERSION,
} from "../../../../firmware/vm/index.ts";
import type { Contender } from "../../../lib/rounds.ts";
import { BENCH_LIMITS, bodyOf, machineOf, runSliced, runWhole, verified } from "../engines/imu.ts";
import type { Workload } from "../workloads/workload.ts";
import { checkingContender } from "./throughput.ts";

const HASH = "0".repeat(64);

/** As the daemon builds it; what the daemon knows from elsewhere is constant here. */
export function runRecord(
  { program }: Machine,
  result: MachineResult,
): RunRecord & Pick<MachineResult, "journal"> {
  const { document, programHash } = program;
  return {
    v: 1,
    runId: "run-1",
    program: { name: document.name, version: document.version, programHash },
    subject: `program:${document.name}`,
    tier: "system",
    policyHash: HASH,
    trigger: result.trigger,
    limits: result.limits,
    startedAt: 0,
    wallMs: result.metrics.wallMs,
    payload: result.payload,
    journal: result.journal,
    outcome: result.outcome,
    release: { ok: true, status: result.status, reason: null },
    vmVersion: VM_VERSION,
    inputHash: result.inputHash,
    outputHash: result.outputHash,
    metrics: { ...result.metrics, refusals: 0, phiChargedMilli: 0 },
    evidence: [],
    safeStates: [],
    state: "responded",
  };
}

/** Limits are a new object in every run, as admission makes them. */
function recorded(
  workload: Workload,
  executor: Executor,
  drive: (machine: Machine) => MachineResult,
): () => Json {
  const program = verified(workload.document);
  return () => {
    const machine = machineOf(program, { ...workload.payload }, executor, { ...BENCH_LIMITS });
    const result = drive(machine);
    const record = runRecord(machine, result);
    if (record.inputHash.length !== 64 || record.outputHash.length !== 64) throw new Error("No hashes.");
    return bodyOf(result);
  };
}

/** Beside the plain runs of `workload`; the peers have nothing like it. */
export const recordContenders = (workload: Workload): readonly Contender[] => [
  checkingContender(
    "imu+record",
    workload.units,
    workload.expected,
    recorded(workload, "compiled", runWhole),
  ),
  checkingContender(
    "imu-sliced+record",
    workload.units,
    workload.expected,
    recorded(workload, "tiered", runSliced),
  ),
];
