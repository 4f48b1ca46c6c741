/** A simulated fleet: real daemons, their boards, disks and network, one world and one timeline, all from one seed. */
import { CodedError } from "../../firmware/core/errors.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import type { RawClient } from "../network/adversary.ts";
import type { SimNetwork } from "../network/network.ts";
import type { FaultAct } from "../scenario/acts.ts";
import { type DurationText, durationUs } from "../scenario/duration.ts";
import type { Run, Scenario } from "../scenario/types.ts";
import { WorldNames } from "../scenario/world-names.ts";
import { SeededEntropy } from "../time/entropy.ts";
import { VirtualTime } from "../time/virtual-time.ts";
import { World } from "../world/world.ts";
import { assemble, newNetwork } from "./assemble.ts";
import { ExpectationWatch } from "./expectation-watch.ts";
import { checkInvariants } from "./invariants/index.ts";
import type { BrokerMessage, FaultClass, Observations } from "./invariants/invariant.ts";
import type { Member } from "./member.ts";
import type { SimOperator } from "./operator.ts";
import type { DeviceKeys } from "./provision.ts";
import { RunTrace } from "./run-trace.ts";
import type { ReadFile } from "./software.ts";
import { Timeline } from "./timeline.ts";
import { type Report, type Violation, Violations } from "./violations.ts";

export type { Member } from "./member.ts";

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
  /** Whether what the invariants look at is kept. */
  readonly observes: boolean;
  readonly #expectations: ExpectationWatch;
  readonly #timeline: Timeline;
  readonly #adversaries = new Map<string, RawClient>();
  #hasEnded = false;

  private constructor(run: Run, options: SimOptions) {
    const { scenario, seed } = run;
    this.scenario = scenario;
    this.seed = seed;
    this.host = options.host;
    this.observes = options.observe ?? true;
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
    this.network = newNetwork(this);
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

  /** A text with device ids in place of the scenario's names in braces: `imu/v1/plant/{pump-001}/cmd`. */
  addressed(text: string): string {
    return text.replace(
      /\{([a-z0-9-]+)\}/g,
      (whole, name: string) => this.members.get(name)?.device.keys.deviceId ?? whole,
    );
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
      if (this.observes) await checkInvariants(this.observations());
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
      // A device that the scenario has turned against its fleet proves nothing about the daemon.
      devices: [...this.members.values()].flatMap(({ observer }) => (observer.isHonest ? [observer] : [])),
      fleetSize: this.members.size,
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

  /** Everything the broker accepts is kept for the invariants. */
  #listen(): void {
    this.network.tap((event) => {
      if (event.kind !== "accepted") return;
      const { atUs, publisher: from, topic, payload, retain } = event;
      this.messages.push({ atUs, from, topic, payload, retain });
    });
  }

  async #assemble(): Promise<void> {
    const devices = await assemble(this);
    if (this.observes) this.#listen();
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

/** Keys that must not be found anywhere but in their own files. */
function secretsOf(name: string, disk: SimDisk): readonly (readonly [string, Uint8Array])[] {
  return ["device.key", "master.key"].flatMap((file) => {
    const bytes = disk.peekFile(`/var/lib/imud/keys/${file}`);
    return bytes ? [[`${name}:${file}`, bytes] as const] : [];
  });
}
