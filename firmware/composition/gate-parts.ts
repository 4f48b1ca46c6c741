/** The parts that the one capability wrapper stands on, put together for one device. */
import {
  Admission,
  AdmissionGate,
  CapabilityGate,
  CapabilityRegistry,
  coreCapabilities,
  DEFAULT_GATE_SETTINGS,
  type Decider,
  ExclusivePaths,
  type GateParts,
  JobService,
  KvSpaces,
  type Observer,
  Outputs,
  RateLimiter,
} from "../capabilities/index.ts";
import { GATE_LIMITS } from "../core/limits.ts";
import type { BudgetLedger } from "../phi/index.ts";
import { ratesOf } from "../policy/index.ts";
import type { ReleaseSet } from "../runs/index.ts";
import type { SyncService } from "../sync/index.ts";
import { deviceOfReplica } from "../sync/index.ts";
import type { BoardIo } from "./board-io.ts";
import type { Staging } from "./staging.ts";
import type { DeviceState } from "./state.ts";

export interface CapabilityParts {
  readonly state: DeviceState;
  readonly board: BoardIo;
  readonly fleet: string;
  readonly staging: () => Staging;
  readonly sync: () => SyncService | null;
  readonly sharedDocument: string;
  readonly budget: BudgetLedger;
  readonly observer: Observer;
  /** The decisions in force at this moment. */
  readonly set: () => ReleaseSet;
  readonly runSafeProgram: (program: string, output: string, signal: AbortSignal) => Promise<void>;
  /** False until the boot has driven all outputs safe and put a release in force. */
  readonly locked: () => boolean;
}

export interface Capabilities {
  readonly registry: CapabilityRegistry;
  readonly outputs: Outputs;
  readonly kv: KvSpaces;
  readonly jobs: JobService;
  /** Built once a release is known: its rates and concurrency come from there. */
  gate(): CapabilityGate;
}

function decider(set: () => ReleaseSet): Decider {
  return {
    decide: (subject, topic, action) => set().decider.decide(subject, topic, action),
    explain: (subject, topic, action) => set().decider.explain(subject, topic, action),
    useGrant: (grantId) => set().decider.useGrant(grantId),
  };
}

/** @throws CodedError `capability_exists`, contract lint codes: mistakes of this program, found at the first start. */
export async function buildCapabilities(parts: CapabilityParts): Promise<Capabilities> {
  const { state, board, observer } = parts;
  const { clock, store, entropy } = state;
  const outputs = new Outputs({
    hardware: board.hardware,
    clock,
    channels: board.channels,
    safePrograms: { run: parts.runSafeProgram },
    observer,
  });
  const kv = new KvSpaces(store, clock);
  const jobs = await JobService.open({
    store,
    clock,
    entropy,
    commit: async (ops) => void (await state.ledger.commit({ events: [], ops })),
    alert: (code, details) => observer.alert(code, details),
  });
  const registry = new CapabilityRegistry(
    coreCapabilities({
      hardware: board.hardware,
      clock,
      channels: board.channels,
      outputs,
      sensors: board.sensors,
      kv,
      jobs,
      outbox: { stage: (runId, message) => parts.staging().stageMessage(runId, message) },
      shared: {
        get: (key) => {
          const service = parts.sync();
          const entry = service?.entry(parts.sharedDocument, key);
          return entry
            ? { value: entry.value, writer: deviceOfReplica(entry.replica) ?? entry.replica }
            : null;
        },
        put: (runId, key, value) => parts.staging().stageShared(runId, key, value),
      },
      owner: { fleet: parts.fleet, device: state.identity.deviceId },
    }),
  );
  const gate = (): CapabilityGate => {
    const { global, perSubject, perCapability } = ratesOf(parts.set().policy).concurrency;
    const admission = new Admission(
      { global, perSubject, perCapability },
      { queuePerSubject: GATE_LIMITS.queuePerSubject, queueTotal: GATE_LIMITS.queueTotal },
    );
    const gateParts: GateParts = {
      registry,
      clock,
      decider: decider(parts.set),
      budget: parts.budget,
      standing: {
        bootLocked: parts.locked,
        canRecord: () => state.ledger.isHealthy,
        quarantine: () => null,
        withdrawn: () => [],
      },
      killSwitch: { killed: () => false },
      permissions: { records: () => [] },
      probe: { probe: (resource) => board.hardware.probe(resource) },
      admission: new AdmissionGate(admission, clock),
      rates: new RateLimiter(),
      paths: new ExclusivePaths(),
      outputs,
      intents: {
        commit: async (event) => {
          await state.ledger.commit({ events: [event], ops: [] }, { urgent: true });
        },
      },
      observer,
      settings: DEFAULT_GATE_SETTINGS,
      simulated: board.hardware.simulated,
    };
    return new CapabilityGate(gateParts);
  };
  return { registry, outputs, kv, jobs, gate };
}
