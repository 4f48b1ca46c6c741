/** Plain views of a device and of a run, the same for the socket, the fleet and the terminal. */
import type { JsonObject } from "../core/json.ts";
import type { RunResult } from "../runs/index.ts";
import type { DeviceParts } from "./device-parts.ts";
import { linkView } from "./fleet-parts.ts";
import { VERSION } from "./package-info.ts";
import { executorJson } from "./vm-executor.ts";

const SHOWN_ALERTS = 32;

/** The newest facts that an operator asks for first. */
export function statusSummary(parts: DeviceParts): JsonObject {
  const { config, state, runs, boot, link, fleet, alerts, capabilities } = parts;
  const { policy, programs, refused, releaseHash } = runs.set;
  const { size, lastHash, lastTs } = state.ledger.head;
  return {
    running: true,
    deviceId: state.identity.deviceId,
    fleet: config.fleet,
    version: VERSION,
    board: config.board,
    simulated: parts.board.hardware.simulated,
    state: boot.state,
    bootId: state.clock.bootId,
    uptimeMs: Math.floor(state.clock.monoMs()),
    clock: { wallMs: state.clock.wallMs(), trust: state.clock.trust() },
    policy: { id: policy.id, version: policy.version, hash: policy.policyHash, releaseHash },
    programs: [...programs.values()].map(({ document, programHash }) => ({
      name: document.name,
      version: document.version,
      programHash,
      missed: runs.missed(document.name),
    })),
    refusedPrograms: refused.map(({ name, reason }) => ({ name, reason })),
    outputs: policy.outputs.map(({ name, uri, safe }) => ({
      name,
      uri,
      safe: typeof safe === "object" ? { ...safe } : safe,
      level: capabilities.outputs.drivenLevel(uri),
    })),
    ledger: { size, lastHash, lastTs, healthy: state.ledger.isHealthy },
    storage: careSummary(parts),
    link: linkView(link, fleet.outbox),
    sync: fleet.sync
      ? {
          replica: fleet.sync.replicaId,
          summary: fleet.sync.summary(),
          converged: fleet.sync.measures().converged,
        }
      : null,
    alerts: alerts.recent.slice(-SHOWN_ALERTS).map((alert) => ({ ...alert })),
    vm: executorJson(parts.vm),
    runs: { active: runs.running },
  };
}

function careSummary({ care }: DeviceParts): JsonObject {
  const last = care?.housekeeping.last;
  return {
    ...care?.guard.view,
    retention: last ? { at: last.at, log: { ...last.log }, runs: { ...last.runs } } : null,
  };
}

/** A finished or refused run. */
export function runSummary(result: RunResult): JsonObject {
  if (!result.ok)
    return {
      ok: false,
      runId: result.runId,
      code: result.code,
      reason: result.reason,
      status: result.status,
      details: result.details,
    };
  const { record, reply, entry } = result.report;
  return {
    ok: reply.ok,
    runId: record.runId,
    program: record.program.name,
    state: record.state,
    status: reply.status,
    reason: reply.reason,
    body: reply.body,
    steps: record.metrics.cpuSteps,
    ioCalls: record.metrics.ioCalls,
    wallMs: record.metrics.wallMs,
    evidence: record.evidence.length,
    refusals: record.metrics.refusals,
    outputHash: record.outputHash,
    safeStates: [...record.safeStates],
    ledger: entry ? { seq: entry.index, hash: entry.hash } : null,
  };
}
