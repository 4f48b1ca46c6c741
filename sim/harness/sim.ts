/** A simulated fleet: real daemons, their boards, disks and network, one world and one timeline, all from one seed. */
import { findBoard } from "../../boards/index.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import type { Scope } from "../../firmware/core/key-record.ts";
import { SimBoard } from "../board/sim-board.ts";
import { SimDisk } from "../disk/sim-disk.ts";
import type { RawClient } from "../network/adversary.ts";
import { SimNetwork } from "../network/network.ts";
import { UNCUT } from "../power/steps.ts";
import type { FaultAct } from "../scenario/acts.ts";
import { scenarioBoard } from "../scenario/boards.ts";
import { type DurationText, durationUs } from "../scenario/duration.ts";
import type { DeviceGroup, Run, Scenario } from "../scenario/types.ts";
import { WorldNames } from "../scenario/world-names.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { VirtualClock } from "../time/virtual-clock.ts";
import { VirtualTime } from "../time/virtual-time.ts";
import { World } from "../world/world.ts";
import { Calendar } from "./calendar.ts";
import { DeviceObserver } from "./device-observer.ts";
import { ExpectationWatch } from "./expectation-watch.ts";
import { checkInvariants } from "./invariants/index.ts";
import type { BrokerMessage, FaultClass, Observations } from "./invariants/invariant.ts";
import { SimOperator } from "./operator.ts";
import { buildParts, type DeviceParts } from "./parts.ts";
import {
  createKeys,
  type DeviceKeys,
  type DeviceSoftware,
  type OperatorKey,
  operatorKey,
  provision,
  STATE_DIR,
} from "./provision.ts";
import { RunTrace } from "./run-trace.ts";
import { SimDevice } from "./sim-device.ts";
import { SimLog } from "./sim-log.ts";
import { loadDocument, loadSoftware, type ReadFile } from "./software.ts";
import { Timeline } from "./timeline.ts";
import { type Report, type Violation, Violations } from "./violations.ts";

/** Wall ms at true time 0. */
export const WALL_ZERO_MS = 1_700_000_000_000;
/** Time is synchronised 5 to 30 s after a start of a board without a battery-backed clock. */
const SYNC_LEAST_US = 5_000_000;
const SYNC_SPREAD_US = 25_000_000;
const DEFAULT_OPERATOR = { id: "op-1", scopes: ["command", "deploy"] } as const;

/** What the simulation needs of the host it runs on. */
export interface SimHost {
  /** One turn of the event loop. */
  readonly turn: () => Promise<void>;
  /** Reads a file that a scenario names. */
  readonly read: ReadFile;
}

export interface SimOptions {
  readonly host: SimHost;
  /** Keeps what the invariants look at; switched off for long runs that only measure. Default true. */
  readonly observe?: boolean;
  /** Stops at the first violation; default true. */
  readonly stopAtFirst?: boolean;
}

/** One device with everything that belongs to it. */
export interface Member {
  readonly device: SimDevice;
  readonly observer: DeviceObserver;
  readonly board: SimBoard;
  readonly disk: SimDisk;
  readonly parts: DeviceParts;
  readonly software: DeviceSoftware;
  readonly group: DeviceGroup;
  readonly calendar: Calendar;
}

export interface SimReport {
  readonly scenario: string;
  readonly seed: string;
  readonly simulatedUs: number;
  readonly events: number;
  readonly traceHash: string;
  readonly records: number;
  readonly violations: readonly Violation[];
  readonly ok: boolean;
}

const drawnPpm = (entropy: SeededEntropy): number => entropy.below(81) - 40;

export class Sim {
  readonly scenario: Scenario;
  readonly seed: string;
  readonly time: VirtualTime;
  readonly trace: RunTrace;
  readonly world: World;
  readonly names: WorldNames;
  readonly network: SimNetwork;
  readonly members = new Map<string, Member>();
  readonly operators = new Map<string, SimOperator>();
  readonly messages: BrokerMessage[] = [];
  /** How often each kind of record of no device was seen, as `sim.<kind>`. */
  readonly counts = new Map<string, number>();
  readonly violations: Violations;
  /** What kinds of faults have struck so far. */
  readonly faultClasses = new Set<FaultClass>();
  readonly host: SimHost;
  readonly #observes: boolean;
  readonly #expectations: ExpectationWatch;
  readonly #timeline: Timeline;
  readonly #adversaries = new Map<string, RawClient>();
  #hasEnded = false;

  private constructor(run: Run, options: SimOptions) {
    const { scenario, seed } = run;
    this.scenario = scenario;
    this.seed = seed;
    this.host = options.host;
    this.#observes = options.observe ?? true;
    const random = { mode: "random", entropy: new SeededEntropy(seed, "sched") } as const;
    this.time = new VirtualTime({
      order: scenario.order === "random" ? random : { mode: "fifo" },
      turn: options.host.turn,
    });
    this.trace = new RunTrace(seed, () => this.time.nowUs);
    this.trace.onRecord((record) => {
      const member = this.members.get(record.actor);
      if (member) member.observer.see(record);
      else this.#countOwn(`sim.${record.kind}`);
    });
    this.violations = new Violations({
      nowUs: () => this.time.nowUs,
      onFirst: () => options.stopAtFirst !== false && this.time.halt(),
    });
    this.world = new World(seed, scenario.world);
    this.names = new WorldNames(scenario.world.nodes, scenario.each);
    this.network = this.#newNetwork();
    this.#expectations = new ExpectationWatch(this);
    this.#timeline = new Timeline(this);
  }

  /**
   * Makes a fleet and switches it on at time 0. Nothing has happened yet when this returns.
   * @throws CodedError `scenario_invalid`, `board_unknown` (422); what the daemon's own documents are refused with.
   */
  static async create(run: Run, options: SimOptions): Promise<Sim> {
    const sim = new Sim(run, options);
    await sim.#assemble();
    return sim;
  }

  readonly report: Report = (violation) => {
    this.trace.record(violation.actor ?? "sim", "violation", { id: violation.id, what: violation.what });
    this.violations.report(violation);
  };

  member(name: string): Member {
    const found = this.members.get(name);
    if (found) return found;
    throw new CodedError("not_found", `There is no device ${name} in ${this.scenario.name}.`, {
      status: 404,
    });
  }

  operator(id?: string | null): SimOperator {
    const found = id ? this.operators.get(id) : [...this.operators.values()][0];
    if (found) return found;
    throw new CodedError("not_found", `There is no operator ${String(id)}.`, { status: 404 });
  }

  /** A client of the broker that is no member of the fleet. */
  adversary(id: string): RawClient {
    const known = this.#adversaries.get(id) ?? this.network.adversary(id);
    this.#adversaries.set(id, known);
    return known;
  }

  /** Lets a fault strike now, as the timeline would. */
  fault(act: FaultAct): void {
    this.#timeline.fault(act);
  }

  /** Runs on by a duration such as `10m`, or to the scenario's end; stops early at a violation. */
  async run(duration?: DurationText, signal?: AbortSignal): Promise<void> {
    const byUs = duration === undefined ? null : durationUs(duration);
    const toUs = byUs === null ? this.scenario.durationUs : this.time.nowUs + byUs;
    await this.time.runUntil(toUs, signal);
  }

  /** Runs until a condition holds. @throws CodedError `sim_budget_exceeded` (500) if it does not within the duration. */
  async until(condition: () => boolean, within: DurationText = "1h"): Promise<void> {
    const endUs = this.time.nowUs + (durationUs(within) ?? 0);
    while (!condition()) {
      if (this.time.nowUs >= endUs || this.violations.all.length > 0)
        throw new CodedError("sim_budget_exceeded", "The condition did not come true in the given time.", {
          details: { atUs: this.time.nowUs },
        });
      await this.time.runUntil(Math.min(endUs, this.time.nowUs + this.world.stepUs));
    }
  }

  /** Checks what must hold after the run, and gives the result. Idempotent. */
  async end(): Promise<SimReport> {
    if (!this.#hasEnded) {
      this.#hasEnded = true;
      await this.#expectations.end();
      if (this.#observes) await checkInvariants(this.observations());
    }
    const { trace, time, violations, scenario, seed } = this;
    return {
      scenario: scenario.name,
      seed,
      simulatedUs: time.nowUs,
      events: time.taken,
      traceHash: trace.hash,
      records: trace.count,
      violations: violations.all,
      ok: violations.all.length === 0,
    };
  }

  #countOwn(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
  }

  /** Everything the run has left behind so far. */
  observations(): Observations {
    const operators = [...this.operators.values()];
    return {
      fleet: this.scenario.fleet.id,
      nowUs: this.time.nowUs,
      devices: [...this.members.values()].map(({ observer }) => observer),
      operators,
      sent: operators.flatMap(({ sent }) => sent),
      messages: this.messages,
      secrets: [...this.members.values()].flatMap(({ device, disk }) => secretsOf(device.name, disk)),
      faults: this.faultClasses,
      quietSinceUs: this.#timeline.quietSinceUs,
      convergeMs: this.scenario.bounds.convergenceUs / 1000,
      report: this.report,
    };
  }

  #newNetwork(): SimNetwork {
    const { scenario, seed, time } = this;
    const { link, broker } = scenario;
    const network = new SimNetwork({
      time,
      seed,
      link: {
        mode: link.mode,
        minUs: link.minUs,
        spreadUs: link.spreadUs,
        tailP: link.tailP,
        tailUs: link.tailUs,
        loss: link.loss,
        duplicate: link.duplicate,
        ...(link.bytesPerS === null ? {} : { bandwidthBps: link.bytesPerS * 8 }),
      },
      broker: {
        version: broker.version === 5 ? "5" : "3.1.1",
        volatile: broker.volatile,
        ...(broker.packetBytes === null ? {} : { maxPacketBytes: broker.packetBytes }),
        ...(broker.queueMessages === null ? {} : { maxQueued: broker.queueMessages }),
        ...(broker.connectionsPerS === null ? {} : { connectsPerSecond: broker.connectionsPerS }),
      },
      record: (actor, kind, data) => this.trace.record(actor, kind, data),
    });
    if (this.#observes)
      network.tap((event) => {
        if (event.kind !== "accepted") return;
        const { atUs, publisher: from, topic, payload, retain } = event;
        this.messages.push({ atUs, from, topic, payload, retain });
      });
    return network;
  }

  async #assemble(): Promise<void> {
    const { scenario, seed } = this;
    const operators = this.#operatorKeys();
    const drafts: { group: DeviceGroup; software: DeviceSoftware; policy: JsonObject; name: string }[] = [];
    for (const group of scenario.groups) {
      const software = await loadSoftware(group, scenario.file, this.host.read);
      const policy = await loadDocument(group.policy, scenario.file, this.host.read);
      for (const name of group.ids) drafts.push({ group, software, policy, name });
    }
    const made: { name: string; keys: DeviceKeys; disk: SimDisk; entropy: SeededEntropy }[] = [];
    for (const { name } of drafts) {
      const entropy = new SeededEntropy(seed, `device:${name}`);
      const disk = this.#newDisk(name);
      made.push({
        name,
        entropy,
        disk,
        keys: await createKeys(disk.openFiles(UNCUT, this.#noClock), entropy),
      });
    }
    const devices = made.map(({ keys }, index) => ({ ...keys, board: drafts[index]?.group.board ?? "sim" }));
    const facts = { fleet: scenario.fleet.id, wallMs: WALL_ZERO_MS, operators, devices };
    for (const [index, { name, keys, disk, entropy }] of made.entries()) {
      const draft = drafts[index];
      if (!draft) continue;
      const files = disk.openFiles(UNCUT, this.#noClock);
      await provision(files, draft.software, keys, facts);
      const { headKey } = await loadIdentity(files, STATE_DIR);
      this.#addMember(name, { ...draft, keys, disk, entropy, headKey });
    }
    for (const key of operators) this.operators.set(key.id, this.#newOperator(key));
    this.#follow();
    this.time.at(0, 0, () => this.#switchOn(devices));
    this.#timeline.arm();
    this.#expectations.arm();
  }

  #switchOn(devices: readonly DeviceKeys[]): void {
    for (const { device } of this.members.values()) device.powerOn();
    for (const operator of this.operators.values())
      void operator.listen(devices).catch(() => this.trace.record(operator.key.id, "listen.failed"));
  }

  readonly #noClock = { sleep: async () => undefined };

  #newDisk(name: string): SimDisk {
    const { seed, time } = this;
    return new SimDisk({ entropy: new SeededEntropy(seed, `device:${name}:disk`), nowUs: () => time.nowUs });
  }

  #operatorKeys(): OperatorKey[] {
    const named = this.scenario.fleet.operators;
    return (named.length > 0 ? named : [DEFAULT_OPERATOR]).map(({ id, scopes }) =>
      operatorKey(id, scopes as readonly Scope[], new SeededEntropy(this.seed, `operator:${id}`)),
    );
  }

  #newOperator(key: OperatorKey): SimOperator {
    const { time, scenario, network, seed } = this;
    const clock = new VirtualClock({ time, wall0Ms: WALL_ZERO_MS, bootId: "0".repeat(16) });
    return new SimOperator({
      key,
      fleet: scenario.fleet.id,
      clock,
      entropy: new SeededEntropy(seed, `operator:${key.id}:messages`),
      log: new SimLog(() => undefined),
      connect: network.connectFor(key.id, { clock, steps: UNCUT }),
      nowUs: () => time.nowUs,
      onForged: (device, why) =>
        this.report({ id: "I5", what: "a receipt does not verify", actor: device, details: { why } }),
    });
  }

  #addMember(
    name: string,
    made: {
      readonly group: DeviceGroup;
      readonly software: DeviceSoftware;
      readonly policy: JsonObject;
      readonly keys: DeviceKeys;
      readonly disk: SimDisk;
      readonly entropy: SeededEntropy;
      readonly headKey: Uint8Array;
    },
  ): void {
    const { seed, time, trace, world, names, network } = this;
    const { group, software, keys, disk, entropy } = made;
    const clockEntropy = new SeededEntropy(seed, `device:${name}:clock`);
    const definition = scenarioBoard(group.board) ?? findBoard("sim");
    if (!definition)
      throw new CodedError("board_unknown", `There is no board ${group.board}.`, { status: 422 });
    const calendar = new Calendar({
      wall0Ms: WALL_ZERO_MS,
      rtc: group.rtc,
      syncAfterUs: SYNC_LEAST_US + clockEntropy.below(SYNC_SPREAD_US),
    });
    const parts = buildParts({
      deviceId: name,
      seed,
      wires: group.wiring,
      world,
      names,
      wallMsAt: (atUs) => calendar.trueWallMs(atUs),
    });
    const record: SimDevice["options"]["record"] = (kind, data) => trace.record(name, kind, data);
    const board: SimBoard = new SimBoard({
      board: definition,
      stream: (stream) => new SeededEntropy(seed, `device:${name}:${stream}`),
      wiring: parts.wiring,
      trueNowUs: () => time.nowUs,
      at: (atUs, run) => time.at(atUs, 2, run),
      advanceWorld: (nowUs) => world.advanceTo(nowUs),
      record,
      onBrownOut: () => device.powerOff(BROWN_OUT_MS),
      onContention: (line) =>
        this.report({ id: "I1", what: "two drivers on one net", actor: name, details: { line } }),
    });
    const device = new SimDevice(
      {
        name,
        time,
        entropy,
        diskEntropy: new SeededEntropy(seed, `device:${name}:disk-cuts`),
        board,
        disk,
        network,
        calendar,
        ppm: group.ppm ?? drawnPpm(clockEntropy),
        cpuFactor: group.cpuFactor,
        record,
        onLog: (line) => {
          observer.hear(line);
          if (line.level === "error") record("log.error", { event: line.event });
        },
        onEntry: (entry) => observer.entered(entry),
        onSync: () => observer.syncs.push(time.nowUs),
        onRead: (path) => observer.reads.push({ atUs: time.nowUs, path }),
        onBroken: (code, details) =>
          this.report({ id: "I13", what: `an effect outside of an event: ${code}`, actor: name, details }),
        onExit: (code, message) => observer.exits.push({ atUs: time.nowUs, code, message }),
      },
      keys,
    );
    const observer = new DeviceObserver(device, {
      software,
      policy: made.policy,
      headKey: made.headKey,
      keepsTrace: this.#observes,
    });
    this.members.set(name, { device, observer, board, disk, parts, software, group, calendar });
  }

  /** Models that look at the world by themselves do so at each of its steps; the others are asked. */
  #follow(): void {
    const followers = [...this.members.values()].flatMap(({ parts }) => parts.followers);
    if (followers.length === 0) return;
    const { time, world } = this;
    const step = (): void => {
      world.advanceTo(time.nowUs);
      for (const follow of followers) follow(time.nowUs);
      for (const { board } of this.members.values()) board.worldMoved(time.nowUs);
      time.at(time.nowUs + world.stepUs, 1, step);
    };
    time.at(world.stepUs, 1, step);
  }
}

/** How long a board stays off after its supply has broken down. */
const BROWN_OUT_MS = 2000;

/** Keys that must not be found anywhere but in their own files. */
function secretsOf(name: string, disk: SimDisk): readonly (readonly [string, Uint8Array])[] {
  return ["device.key", "master.key"].flatMap((file) => {
    const bytes = disk.peekFile(`/var/lib/imud/keys/${file}`);
    return bytes ? [[`${name}:${file}`, bytes] as const] : [];
  });
}
