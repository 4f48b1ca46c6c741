/** Opens and connects everything of one device. Nothing is driven and nothing runs when it returns. */
import type { OtaService } from "../../ota/index.ts";
import { Asks, type CapabilityGate, type Observer, Scheduler } from "../capabilities/index.ts";
import { messageOf } from "../core/errors.ts";
import { EventBus } from "../core/event-bus.ts";
import type { JsonObject } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { OfficialBook, ReputationBook } from "../evidence/index.ts";
import { type DeviceIdentity, deviceTopics, type StatusView } from "../fleet/index.ts";
import type { LedgerEvent, Severity } from "../ledger/types.ts";
import { BudgetLedger } from "../phi/index.ts";
import { phiOf } from "../policy/index.ts";
import type { Log } from "../ports/log.ts";
import {
  capabilityView,
  type ReleaseSet,
  RunOrdinals,
  RunService,
  runSafeProgram,
  schemaCheck,
  Triggers,
} from "../runs/index.ts";
import { RunScheduler } from "../vm/index.ts";
import { Alerts } from "./alerts.ts";
import { Asking } from "./asking.ts";
import { type BoardIo, openBoard } from "./board-io.ts";
import { commandHandlers } from "./command-handlers.ts";
import type { Config } from "./config-schema.ts";
import type { DeviceEvents } from "./device-events.ts";
import { Fingerprints } from "./fingerprints.ts";
import { buildFleet, type FleetParts } from "./fleet-parts.ts";
import { buildCapabilities, type Capabilities } from "./gate-parts.ts";
import { buildCare, type CareParts } from "./housekeeping/build.ts";
import { type Link, openLink } from "./link.ts";
import { VERSION } from "./package-info.ts";
import type { Platform } from "./platform.ts";
import { recoverOpenRuns, recoverRollups } from "./recovery.ts";
import { loadInForce } from "./release-in-force.ts";
import type { LoaderParts } from "./release-loader.ts";
import { rescued } from "./rescue/rescue.ts";
import { Staging } from "./staging.ts";
import { type DeviceState, databasePath, openState } from "./state.ts";
import { chooseExecutor, type ExecutorInUse } from "./vm-executor.ts";

/** The replicated document that programs see as the site's settings. */
export const SHARED_DOCUMENT = "settings/site";

export type BootState = "initializing" | "binding" | "locked" | "safe_mode" | "stopping";

/** Everything of one device, for the parts of the composition that show or change it. */
export interface DeviceParts {
  readonly config: Config;
  readonly log: Log;
  readonly state: DeviceState;
  readonly board: BoardIo;
  readonly link: Link;
  readonly capabilities: Capabilities;
  readonly fleet: FleetParts;
  readonly runs: RunService;
  readonly reputation: ReputationBook;
  readonly triggers: Triggers;
  readonly budget: BudgetLedger;
  readonly staging: Staging;
  readonly alerts: Alerts;
  readonly asking: Asking;
  readonly loader: LoaderParts;
  readonly updates: OtaService;
  /** Null without a broker: nothing travels. */
  readonly fingerprints: Fingerprints | null;
  readonly events: EventBus<DeviceEvents>;
  readonly boot: { state: BootState };
  /** Who runs the programs. */
  readonly vm: ExecutorInUse;
  /** Retention, verification and the guard of the disk; null until everything else is there. */
  care: CareParts | null;
}

/** What is known only after the parts that need it have been built. */
interface Late {
  set: ReleaseSet | null;
  staging: Staging | null;
  fleet: FleetParts | null;
  parts: DeviceParts | null;
  gate: CapabilityGate | null;
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error("a part was used before the device was assembled");
  return value;
}

/** Tells of each source once a boot, whatever release is in force; above the bound the oldest are forgotten. */
function once(tell: (source: string) => void): (source: string) => void {
  const told = new Set<string>();
  return (source) => {
    if (told.has(source)) return;
    const [oldest] = told;
    if (told.size >= EVIDENCE_LIMITS.rememberedSources && oldest !== undefined) told.delete(oldest);
    told.add(source);
    tell(source);
  };
}

export const daemonEvent = (kind: string, data: JsonObject, severity: Severity = "info"): LedgerEvent => ({
  kind,
  actor: "daemon",
  severity,
  data,
});

/** The first entry of this life: how the last one ended, and which runs it left unfinished. */
async function recordBoot(state: DeviceState): Promise<void> {
  const { ledger, clock } = state;
  const { size, lastHash } = ledger.head;
  const last = size > 0 ? await ledger.reader.entry(size - 1) : null;
  const unclean = size > 0 && last?.entry.event.kind !== "shutdown";
  await recoverRollups(state);
  const cutRuns = await recoverOpenRuns(state);
  const data = {
    bootId: clock.bootId,
    version: VERSION,
    unclean,
    headSize: size,
    headHash: lastHash,
    clock: clock.trust(),
    cutRuns: [...cutRuns],
  };
  await ledger.commit(
    { events: [daemonEvent("boot", data, unclean ? "warn" : "info")], ops: [] },
    { urgent: true },
  );
}

function observerOf(alerts: Alerts, boot: { state: BootState }, asking: () => Asking): Observer {
  return {
    usage: () => undefined,
    incident: (record) => alerts.raise("incident", { ...record }, "warn"),
    alert: (code, details) => {
      alerts.raise(code, details);
      // Hardware that is not there was never driven: the board stays unbound until it appears.
      if (code === "safe_state_failed" && details.code !== "resource_required") boot.state = "safe_mode";
    },
    asked: (question) => asking().asked(question),
  };
}

/** @throws ResourceRequired, CodedError with the remedy; everything that was opened is closed again. */
export async function openParts(config: Config, platform: Platform, log: Log): Promise<DeviceParts> {
  try {
    return await openOnce(config, platform, log);
  } catch (error) {
    if (!(await rescued(error, databasePath(config.stateDir), platform, log))) throw error;
    return openOnce(config, platform, log);
  }
}

async function openOnce(config: Config, platform: Platform, log: Log): Promise<DeviceParts> {
  const state = await openState(config, platform, log);
  try {
    return await connect(config, log, state);
  } catch (error) {
    await state.ledger.close().catch(() => undefined);
    await state.store[Symbol.asyncDispose]();
    throw error;
  }
}

async function connect(config: Config, log: Log, state: DeviceState): Promise<DeviceParts> {
  const { clock, entropy, identity, ledger, platform, store } = state;
  await recordBoot(state);
  const boot: { state: BootState } = { state: "initializing" };
  const late: Late = { set: null, staging: null, fleet: null, parts: null, gate: null };
  const events = new EventBus<DeviceEvents>({
    onFailure: (owner, event, error) =>
      log.error("subscriber_failed", { owner, event, error: messageOf(error) }),
  });
  const alerts = new Alerts({ ledger, clock, log, onAlert: (alert) => events.emit("alert", alert) });
  if (state.rescued) alerts.raise("store_corrupt", state.rescued, "critical");
  const board = openBoard(config, platform, clock);
  const { simulated } = board.hardware;
  const asking = new Asking({
    asks: await Asks.open(store, clock),
    state,
    hardware: board.hardware,
    clock,
    log,
    alerts,
    start: (request) => void required(late.parts).runs.start(request),
  });
  const topics = deviceTopics(config.fleet, identity.deviceId);
  const device: DeviceIdentity = { id: identity.deviceId, bootId: clock.bootId, simulated };
  const set = (): ReleaseSet => late.parts?.runs.set ?? required(late.set);
  const vm = chooseExecutor(config.vm.executor, log);
  const scheduler = new RunScheduler({
    clock,
    maxRuns: config.vm.maxRuns,
    onFault: (error) => alerts.raise("vm_internal", { error: messageOf(error) }, "critical"),
  });
  // The policy that names the capacity is read with the capabilities at hand; until then nothing is cut or refilled.
  const unlimited = { capacityMilli: Number.MAX_SAFE_INTEGER, refillPerHourMilli: 0, cost: {} };
  const budget = await BudgetLedger.open(store, unlimited, clock);
  const capabilities = await buildCapabilities({
    state,
    board,
    fleet: config.fleet,
    staging: () => required(late.staging),
    sync: () => late.fleet?.sync ?? null,
    sharedDocument: SHARED_DOCUMENT,
    budget,
    observer: observerOf(alerts, boot, () => asking),
    set,
    locked: () => boot.state === "locked",
    runSafeProgram: (name, output, signal) =>
      runSafeProgram(
        {
          clock,
          entropy,
          deviceId: identity.deviceId,
          sealer: identity.seal,
          gate: required(late.gate),
          scheduler,
          executor: vm.executor,
        },
        set(),
        name,
        output,
        signal,
      ),
  });
  const view = capabilityView(capabilities.registry);
  const loader: LoaderParts = {
    clock,
    board: config.board,
    runtimeVersion: VERSION,
    simulated,
    view,
    onUnregistered: once((source) => alerts.raise("source_unregistered", { about: source, source }, "warn")),
  };
  const inForce = await loadInForce({
    config,
    log,
    state,
    loader,
    boot,
    executor: vm.executor,
    keys: () => required(late.fleet).authority?.keys ?? new Map(),
    onNotice: (notice) => events.emit("update", notice),
  });
  late.set = inForce.set;
  budget.adopt(phiOf(inForce.set.policy).budget);
  const link = await openLink(config.broker, platform, {
    clock,
    log,
    device,
    statusTopic: topics.status,
  });
  const parts = (): DeviceParts => required(late.parts);
  const fleet = await buildFleet({
    config,
    state,
    link,
    log,
    device,
    topics,
    set,
    view: (challenge) => statusView(parts(), challenge),
    handlers: commandHandlers(parts),
  });
  late.fleet = fleet;
  late.gate = capabilities.gate();
  const staging = new Staging({
    ledger,
    outbox: fleet.outbox,
    budget,
    sync: () => fleet.sync,
    document: SHARED_DOCUMENT,
  });
  late.staging = staging;
  const reputation = await ReputationBook.open(store);
  const runs = new RunService({
    clock,
    entropy,
    log,
    deviceId: identity.deviceId,
    simulated,
    sealer: identity.seal,
    scheduler,
    executor: vm.executor,
    gate: late.gate,
    runs: state.runs,
    packer: state.packer,
    reputation,
    official: {
      fleet: config.fleet,
      keys: () => fleet.authority?.keys ?? new Map(),
      book: await OfficialBook.open(store),
    },
    onOutlier: (source, claim) => alerts.raise("sensor_outlier", { about: source, source, claim }, "warn"),
    driveSafe: (outputs, reason) => driveSafe(parts(), outputs, reason),
    settle: staging,
    circumstances: {
      ordinals: new RunOrdinals(),
      alerts: () => alerts.count,
      trial: () => inForce.updates.isBusy,
    },
    ledger,
    checkContract: schemaCheck,
    set: inForce.set,
    refuseRun: () => late.parts?.care?.guard.refuseRun() ?? null,
    onRun: (result, request) => {
      asking.ended(result, request);
      events.emit("run", { result, request });
    },
  });
  const triggers = new Triggers({
    runs,
    scheduler: await Scheduler.open(store, clock),
    hardware: board.hardware,
    channels: board.channels,
    clock,
    log,
    commit: async (ops) => {
      await ledger.commit({ events: [], ops });
    },
    onUnsupported: (program, on) => alerts.raise("trigger_unsupported", { program, on }, "warn"),
  });
  late.parts = {
    config,
    log,
    state,
    board,
    link,
    capabilities,
    fleet,
    runs,
    reputation,
    triggers,
    budget,
    staging,
    alerts,
    asking,
    loader,
    updates: inForce.updates,
    fingerprints: config.broker ? new Fingerprints({ state, publisher: fleet.publisher, log }) : null,
    events,
    boot,
    vm,
    care: null,
  };
  const care = buildCare(late.parts);
  late.parts.care = care;
  state.writeAlarm.listen(() => care.guard.writeFailed());
  return late.parts;
}

/** Drives the named outputs of the policy in force; gives the names that were driven. */
export async function driveSafe(
  { capabilities, runs, events }: DeviceParts,
  names: readonly string[],
  reason: string,
): Promise<readonly string[]> {
  const outputs = runs.set.policy.outputs.filter(({ name }) => names.includes(name));
  const driven = await capabilities.outputs.driveAllSafe(outputs, reason);
  events.emit("safe", { driven, reason });
  return outputs.map(({ name }) => name);
}

/** Drives every output of the policy in force. */
export async function driveAllSafe(
  { capabilities, runs, events }: DeviceParts,
  reason: string,
): Promise<readonly JsonObject[]> {
  const driven = await capabilities.outputs.driveAllSafe(runs.set.policy.outputs, reason);
  events.emit("safe", { driven, reason });
  return driven;
}

function statusView({ boot, runs, state, link, care }: DeviceParts, challenge: string): StatusView {
  const { size, lastHash } = state.ledger.head;
  const states = {
    initializing: "starting",
    binding: "starting",
    locked: "online",
    safe_mode: "degraded",
    stopping: "stopping",
  } as const;
  const isRefusing = boot.state === "locked" && care?.guard.isRefusing === true;
  return {
    state: link.bus.state === "closed" ? "stopping" : isRefusing ? "degraded" : states[boot.state],
    challenge,
    policyHash: runs.set.policy.policyHash,
    programs: [...runs.set.programs.keys()].sort(),
    ledger: { size, hash: lastHash },
  };
}
