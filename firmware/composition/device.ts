/** One device, wired together: opened in order, started in order, stopped in reverse with its outputs safe. */
import { type CapabilityRegistry, type Observer, Scheduler } from "../capabilities/index.ts";
import type { JsonObject } from "../core/json.ts";
import { type DeviceIdentity, deviceTopics, type StatusView } from "../fleet/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import { BudgetLedger } from "../phi/index.ts";
import { phiOf } from "../policy/index.ts";
import type { Log } from "../ports/log.ts";
import {
  capabilityView,
  type ReleaseSet,
  type RunRequest,
  type RunResult,
  RunService,
  schemaCheck,
  Triggers,
} from "../runs/index.ts";
import { RunScheduler } from "../vm/index.ts";
import { type Alert, Alerts } from "./alerts.ts";
import { type BoardIo, openBoard } from "./board-io.ts";
import { commandHandlers } from "./command-handlers.ts";
import type { Config } from "./config-schema.ts";
import { buildFleet, type FleetParts } from "./fleet-parts.ts";
import { buildCapabilities, type Capabilities } from "./gate-parts.ts";
import { currentUser, type Link, openLink } from "./link.ts";
import { VERSION } from "./package-info.ts";
import { recoverOpenRuns } from "./recovery.ts";
import { type LoaderParts, loadRelease, type ReleaseSource, readFactory } from "./release-loader.ts";
import { Staging } from "./staging.ts";
import { type DeviceState, openState } from "./state.ts";

/** The replicated document that programs see as the site's settings. */
export const SHARED_DOCUMENT = "settings/site";

export type BootState = "initializing" | "binding" | "locked" | "safe_mode" | "stopping";

/** What a device tells whoever watches it; nobody has to. */
export interface DeviceObserver {
  onRun?(result: RunResult, request: RunRequest): void;
  onAlert?(alert: Alert): void;
  onSafe?(driven: readonly JsonObject[], reason: string): void;
}

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
  readonly triggers: Triggers;
  readonly budget: BudgetLedger;
  readonly staging: Staging;
  readonly alerts: Alerts;
  readonly loader: LoaderParts;
  readonly observer: DeviceObserver;
  readonly boot: { state: BootState };
}

async function openParts(config: Config, log: Log, observer: DeviceObserver): Promise<DeviceParts> {
  const state = await openState(config, log);
  const { clock, entropy, files, identity, ledger, store } = state;
  const boot: { state: BootState } = { state: "initializing" };
  const alerts = new Alerts({ ledger, clock, log, onAlert: (alert) => observer.onAlert?.(alert) });
  const board = openBoard(config, { clock, entropy, user: currentUser() });
  const topics = deviceTopics(config.fleet, identity.deviceId);
  const device: DeviceIdentity = {
    id: identity.deviceId,
    bootId: clock.bootId,
    simulated: board.hardware.simulated,
  };
  const link = await openLink(config.broker, {
    files,
    clock,
    entropy,
    log,
    device,
    statusTopic: topics.status,
  });
  const capabilityObserver: Observer = {
    usage: () => undefined,
    incident: (record) => alerts.raise("incident", { ...record }, "warn"),
    alert: (code, details) => {
      alerts.raise(code, details);
      if (code === "safe_state_failed") boot.state = "safe_mode";
    },
    asked: (question) =>
      alerts.raise(
        question.kind === "resource" ? "resource_required" : "consent_required",
        { program: question.program, about: question.about, ...question.details },
        "warn",
      ),
  };
  const late: {
    set: ReleaseSet | null;
    staging: Staging | null;
    fleet: FleetParts | null;
    runs: RunService | null;
  } = { set: null, staging: null, fleet: null, runs: null };
  const set = (): ReleaseSet => late.runs?.set ?? required(late.set);
  const factory = await readFactory(files, config.policyFile, config.programsDir);
  const budget = await BudgetLedger.open(store, { capacityMilli: 0, refillPerHourMilli: 0, cost: {} }, clock);
  const capabilities = await buildCapabilities({
    state,
    board,
    fleet: config.fleet,
    staging: () => required(late.staging),
    sync: () => late.fleet?.sync ?? null,
    sharedDocument: SHARED_DOCUMENT,
    budget,
    observer: capabilityObserver,
    set,
    locked: () => boot.state === "locked",
  });
  const loader: LoaderParts = {
    clock,
    board: config.board,
    runtimeVersion: VERSION,
    simulated: board.hardware.simulated,
    view: capabilityView(capabilities.registry),
  };
  late.set = loadRelease(factory, loader);
  budget.adopt(phiOf(late.set.policy).budget);
  const parts = (): DeviceParts => required(assembled);
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
  const staging = new Staging({
    ledger,
    outbox: fleet.outbox,
    budget,
    sync: () => fleet.sync,
    document: SHARED_DOCUMENT,
  });
  late.staging = staging;
  const runs = new RunService({
    clock,
    entropy,
    log,
    deviceId: identity.deviceId,
    simulated: board.hardware.simulated,
    sealer: identity.seal,
    scheduler: new RunScheduler({
      clock,
      maxRuns: config.vm.maxRuns,
      onFault: (error) => alerts.raise("vm_internal", { error: String(error) }, "critical"),
    }),
    gate: capabilities.gate(),
    runs: state.runs,
    driveSafe: (outputs, reason) => driveSafe(parts(), outputs, reason),
    settle: staging,
    ledger,
    checkContract: schemaCheck,
    set: late.set,
    onRun: (result, request) => observer.onRun?.(result, request),
  });
  late.runs = runs;
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
  });
  const assembled: DeviceParts = {
    config,
    log,
    state,
    board,
    link,
    capabilities,
    fleet,
    runs,
    triggers,
    budget,
    staging,
    alerts,
    loader,
    observer,
    boot,
  };
  return assembled;
}

function required<T>(value: T | null | undefined): T {
  if (value === null || value === undefined)
    throw new Error("a part was used before the device was assembled");
  return value;
}

/** Drives the named outputs of the policy in force; gives the names that were driven. */
async function driveSafe(
  { capabilities, runs, observer }: DeviceParts,
  names: readonly string[],
  reason: string,
): Promise<readonly string[]> {
  const outputs = runs.set.policy.outputs.filter(({ name }) => names.includes(name));
  const driven = await capabilities.outputs.driveAllSafe(outputs, reason);
  observer.onSafe?.(driven, reason);
  return outputs.map(({ name }) => name);
}

export function statusView({ boot, runs, state, link }: DeviceParts, challenge: string): StatusView {
  const { size, lastHash } = state.ledger.head;
  const states = {
    initializing: "starting",
    binding: "starting",
    locked: "online",
    safe_mode: "degraded",
    stopping: "stopping",
  } as const;
  return {
    state: link.bus.state === "closed" ? "stopping" : states[boot.state],
    challenge,
    policyHash: runs.set.policy.policyHash,
    programs: [...runs.set.programs.keys()].sort(),
    ledger: { size, hash: lastHash },
  };
}

const daemonEvent = (
  kind: string,
  data: JsonObject,
  severity: LedgerEvent["severity"] = "info",
): LedgerEvent => ({ kind, actor: "daemon", severity, data });

export class Device implements AsyncDisposable {
  readonly parts: DeviceParts;
  #stopped: Promise<void> | null = null;

  private constructor(parts: DeviceParts) {
    this.parts = parts;
  }

  /** Opens everything; nothing is driven and nothing runs yet. @throws ResourceRequired, CodedError with the remedy. */
  static async open(
    config: Config,
    options: { readonly log: Log; readonly observer?: DeviceObserver },
  ): Promise<Device> {
    return new Device(await openParts(config, options.log, options.observer ?? {}));
  }

  get registry(): CapabilityRegistry {
    return this.parts.capabilities.registry;
  }

  /** Outputs safe, then records of the last boot, then links, then programs. */
  async start(): Promise<void> {
    const { state, runs, capabilities, fleet, triggers, boot, alerts, observer } = this.parts;
    const { ledger, clock } = state;
    boot.state = "binding";
    const driven = await capabilities.outputs.driveAllSafe(runs.set.policy.outputs, "start");
    observer.onSafe?.(driven, "start");
    const cut = await recoverOpenRuns(state);
    const { size, lastHash } = ledger.head;
    const unclean = size > 0 && (await ledger.reader.entry(size - 1))?.entry.event.kind !== "shutdown";
    await ledger.commit({
      events: [
        daemonEvent(
          "boot",
          {
            bootId: clock.bootId,
            version: VERSION,
            unclean,
            headSize: size,
            headHash: lastHash,
            clock: clock.trust(),
            cutRuns: [...cut],
          },
          unclean ? "warn" : "info",
        ),
      ],
      ops: [...runs.set.programs.values()].map(({ programHash, document }) =>
        state.runs.stageDocument(programHash, document),
      ),
    });
    for (const { name, reason } of runs.set.refused)
      alerts.raise("program_invalid", { program: name, reason }, "warn");
    if (ledger.openedAs.is !== "ready")
      alerts.raise("ledger_bad", { is: ledger.openedAs.is, ...ledger.openedAs.details }, "critical");
    await this.#bind();
    await fleet.outbox.start();
    await fleet.commands.start();
    await fleet.sync?.start();
    fleet.status.start();
    boot.state = boot.state === "binding" ? "locked" : boot.state;
    fleet.status.changed();
    await triggers.arm(runs.set, { boot: true });
  }

  /** Missing hardware is named with its remedy; programs that need it wait, the others run. */
  async #bind(): Promise<void> {
    const { board, runs, alerts } = this.parts;
    const needs = new Set(
      [...runs.set.policy.bindings, ...runs.set.policy.outputs].flatMap(({ uri }) => resourceOfUri(uri)),
    );
    for (const need of needs) {
      const missing = await board.hardware.probe(need);
      if (missing)
        alerts.raise(
          "resource_required",
          { ...missing, commands: [...missing.commands], env: { ...missing.env } },
          "error",
        );
    }
  }

  /** Puts a release in force for all runs from now on: drains, switches, arms its triggers. */
  async adopt(source: ReleaseSource): Promise<ReleaseSet> {
    const { runs, triggers, capabilities, budget, loader, fleet } = this.parts;
    const next = loadRelease(source, loader);
    await triggers.disarm();
    await runs.drain("overlap_restart");
    const gone = runs.set.policy.outputs.filter(
      ({ uri }) => !next.policy.outputs.some((output) => output.uri === uri),
    );
    await capabilities.outputs.driveAllSafe(gone, "policy_change");
    budget.adopt(phiOf(next.policy).budget);
    runs.adopt(next);
    await triggers.arm(next, { boot: false });
    fleet.status.changed();
    return next;
  }

  /** Stops admitting, drives every output safe, says so, and closes in reverse order. Idempotent. */
  stop(reason: string): Promise<void> {
    this.#stopped ??= this.#stop(reason);
    return this.#stopped;
  }

  async #stop(reason: string): Promise<void> {
    const { state, runs, capabilities, fleet, triggers, boot, link, board, observer } = this.parts;
    boot.state = "stopping";
    await triggers[Symbol.asyncDispose]();
    await runs[Symbol.asyncDispose]();
    const driven = await capabilities.outputs.driveAllSafe(runs.set.policy.outputs, "shutdown");
    observer.onSafe?.(driven, "shutdown");
    await fleet.commands[Symbol.asyncDispose]();
    await fleet.sync?.[Symbol.asyncDispose]();
    await fleet.status[Symbol.asyncDispose]();
    await fleet.outbox[Symbol.asyncDispose]();
    await state.ledger.commit({ events: [daemonEvent("shutdown", { reason })], ops: [] }, { urgent: true });
    await state.ledger.close();
    await link.close();
    await capabilities.outputs.close();
    await board.close();
    await state.store[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("dispose");
  }
}

/** The resource behind a hardware URI, as `Hardware.probe` names it. */
function resourceOfUri(uri: string): readonly string[] {
  const i2c = /^i2c:\/\/(\d+)\//.exec(uri);
  if (i2c) return [`bus:i2c:${i2c[1]}`];
  const spi = /^spi:\/\/(\d+\.\d+)(\/|$)/.exec(uri);
  if (spi) return [`bus:spi:${spi[1]}`];
  const serial = /^serial:\/\/([^/]+)/.exec(uri);
  if (serial) return [`serial:${serial[1]}`];
  const gpio = /^gpio:\/\/([^/]+)\//.exec(uri);
  return gpio ? [`gpio:${gpio[1]}`] : [];
}
