/** Housekeeping and the guard of the disk, put together for one device. */
import { codeOf } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import {
  LogRetention,
  type LogRetentionLimits,
  LogWatch,
  TYPE_COSIGNATURE,
  type VerifierKey,
  verifierKey,
  witnessName,
} from "../../ledger/index.ts";
import { retentionOf } from "../../policy/index.ts";
import { put } from "../../ports/store.ts";
import { RunRetention, type RunRetentionLimits } from "../../runs/index.ts";
import type { DeviceParts } from "../device-parts.ts";
import { driveAllSafe } from "../device-parts.ts";
import { writeKnownCheckpoint } from "../rescue/known-checkpoint.ts";
import { Housekeeping } from "./housekeeping.ts";
import { StorageGuard } from "./storage-guard.ts";

/** Holds the one row that a look at a failing disk writes. */
const PROBE_SUB = "diskprobe";
/** Witnesses that must have signed what is pruned, in a fleet that has as many (ledger.md 6). */
const QUORUM = 2;

export interface CareParts {
  readonly housekeeping: Housekeeping;
  readonly guard: StorageGuard;
}

/** The keys with which the other devices of the fleet cosign this log's checkpoints. */
function witnessKeysOf({ state, config, fleet }: DeviceParts): readonly VerifierKey[] {
  const { origin } = state.ledger;
  const authority = origin.slice(0, origin.indexOf("/"));
  const devices = [...(fleet.roster?.devices.values() ?? [])];
  return devices
    .filter(({ id, status }) => id !== state.identity.deviceId && status === "active")
    .map(({ id, publicKey }) =>
      verifierKey(witnessName(authority, config.fleet, id), TYPE_COSIGNATURE, publicKey),
    );
}

function logLimitsOf(parts: DeviceParts): LogRetentionLimits {
  const { quorum, ...limits } = parts.config.ledger;
  const witnessKeys = witnessKeysOf(parts);
  return { ...limits, witnessKeys, quorum: quorum ?? Math.min(QUORUM, witnessKeys.length) };
}

function runLimitsOf({ config, runs }: DeviceParts): RunRetentionLimits {
  const { evidenceDays, evidenceBytes, logBytes } = retentionOf(runs.set.policy);
  return { recordDays: config.ledger.maxDays, recordBytes: logBytes, evidenceDays, evidenceBytes };
}

/** The disk is well again: the entry says for how long it was not, and what was refused meanwhile. */
function recordFree({ state, log }: DeviceParts, code: string, details: JsonObject): void {
  const data = {
    alertId: `${code}/${String(details.since)}`,
    name: code,
    level: "info",
    state: "cleared",
    details,
  };
  void state.ledger
    .commit({ events: [{ kind: "alert", actor: "daemon", severity: "info", data }], ops: [] })
    .catch((error: unknown) => log.error("ledger_append_failed", { kind: "alert", code: codeOf(error) }));
}

function buildHousekeeping(parts: DeviceParts): Housekeeping {
  const { state, config, log, alerts } = parts;
  const { store, ledger, clock, entropy, identity, compact } = state;
  return new Housekeeping({
    clock,
    entropy,
    log: log.child({ part: "housekeeping" }),
    logRetention: new LogRetention(store, ledger),
    runRetention: new RunRetention(state.watched, () => {
      state.packer.forget();
      state.runs.forgetBases();
    }),
    watch: new LogWatch(store, ledger, identity.headKey),
    lastEntryMs: () => ledger.head.lastTs,
    logLimits: () => logLimitsOf(parts),
    runLimits: () => runLimitsOf(parts),
    compact,
    keepCheckpoint: async () => writeKnownCheckpoint(state.files, config.stateDir, await ledger.checkpoint()),
    onProblem: (code, details) => alerts.raise(code, details, code === "ledger_bad" ? "critical" : "warn"),
  });
}

/** Nothing of it runs yet. */
export function buildCare(parts: DeviceParts): CareParts {
  const { state, config, log, alerts, fleet } = parts;
  const { ledger, platform, clock } = state;
  const housekeeping = buildHousekeeping(parts);
  const guard = new StorageGuard({
    clock,
    log: log.child({ part: "storage" }),
    freeBytes: () => platform.freeBytes(config.stateDir),
    tryWriting: async () => {
      await ledger.commit({ events: [], ops: [put(PROBE_SUB, "0", new Uint8Array(1))] }, { urgent: true });
    },
    isHealthy: () => ledger.isHealthy,
    relieve: () => housekeeping.relieve(),
    driveSafe: (reason) => driveAllSafe(parts, reason),
    onBlocked: (code, details) => {
      alerts.raise(code, details, "critical");
      fleet.status.changed();
    },
    onFree: (code, details) => {
      recordFree(parts, code, details);
      fleet.status.changed();
    },
  });
  return { housekeeping, guard };
}
