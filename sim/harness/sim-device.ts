/** One simulated device over all its lives: it boots, runs the real daemon, loses power, is killed, starts again. */
import { loadConfig } from "../../firmware/composition/config.ts";
import type { Config } from "../../firmware/composition/config-schema.ts";
import { Device } from "../../firmware/composition/device.ts";
import { toHex } from "../../firmware/core/bytes.ts";
import { CodedError, codeOf, messageOf } from "../../firmware/core/errors.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { SimBoard } from "../board/sim-board.ts";
import type { SimDisk } from "../disk/sim-disk.ts";
import type { SimNetwork } from "../network/network.ts";
import { VirtualClock } from "../time/virtual-clock.ts";
import type { VirtualTime } from "../time/virtual-time.ts";
import { BootSteps, type CutOrder, StepCounter } from "./boot-steps.ts";
import type { Calendar } from "./calendar.ts";
import type { SeenEntry, SeenRow } from "./observed-store.ts";
import { CONFIG_PATH, type DeviceKeys } from "./provision.ts";
import { type LogLine, SimLog } from "./sim-log.ts";
import { simPlatform } from "./sim-platform.ts";

/** systemd's defaults for the unit: restart after a second, at most five starts in a minute (simulator.md 3). */
const RESTART_US = 1_000_000;
const START_LIMIT = 5;
const START_WINDOW_US = 60_000_000;
/** One slice of 2000 steps at a microsecond per hundred (simulator.md 2). */
const SLICE_US = 20;

export type LifeEnd = "power" | "kill" | "exit" | "stop";

/** One life of the daemon on this device. */
export interface Boot {
  readonly number: number;
  readonly steps: BootSteps;
  readonly clock: VirtualClock;
  /** Null until everything has been opened. */
  device: Device | null;
  /** True once `start` has come to its end: outputs were driven safe, programs are armed. */
  isStarted: boolean;
}

export interface SimDeviceOptions {
  /** The scenario's name of the device. */
  readonly name: string;
  readonly time: VirtualTime;
  readonly entropy: Entropy;
  readonly diskEntropy: Entropy;
  readonly board: SimBoard;
  readonly disk: SimDisk;
  readonly network: SimNetwork;
  readonly calendar: Calendar;
  readonly ppm: number;
  readonly cpuFactor: number;
  readonly record: (kind: string, data?: Json) => void;
  readonly onLog: (line: LogLine) => void;
  /** The device's store has taken an entry of its ledger. */
  readonly onEntry: (entry: SeenEntry) => void;
  /** It has taken a checkpoint or an anchor. */
  readonly onRow: (row: SeenRow) => void;
  /** A synced batch has reached the disk. */
  readonly onSync: () => void;
  /** The hardware has answered a read: `i2c/1/0x76`, `gpio/gpiochip0/23`, ... */
  readonly onRead: (path: string) => void;
  /** A fault of the simulation's own rules, such as an effect outside of an event. */
  readonly onBroken: (code: string, details: JsonObject) => void;
  /** The daemon refused to start or ended by itself. */
  readonly onExit: (code: string, message: string) => void;
}

export class SimDevice {
  readonly name: string;
  readonly keys: DeviceKeys;
  readonly counter: StepCounter;
  readonly options: SimDeviceOptions;
  #boot: Boot | null = null;
  #boots = 0;
  #starts: number[] = [];
  #frozenUntilUs = 0;
  #cutOff = { offMs: 0, torn: false };
  #lyingBatches = 0;
  #isTearing = false;
  #ppm: number;
  #isUp = false;
  #powerCycles = 0;
  #hasFailed = false;

  constructor(options: SimDeviceOptions, keys: DeviceKeys) {
    this.options = options;
    this.name = options.name;
    this.keys = keys;
    this.#ppm = options.ppm;
    this.counter = new StepCounter(() => options.time.nowUs);
  }

  /** The present life; null while the device is off or its daemon is down. */
  get boot(): Boot | null {
    return this.#boot;
  }

  get boots(): number {
    return this.#boots;
  }

  /** How often the board has been switched on: another kernel each time. */
  get powerCycles(): number {
    return this.#powerCycles;
  }

  /** True while the board has power. */
  get isPowered(): boolean {
    return this.#isUp;
  }

  /** True once systemd has given up restarting it. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** The running daemon's parts. @throws CodedError `not_found` (404) while it does not run. */
  get daemon(): Device {
    const device = this.#boot?.device;
    if (device && this.#boot?.isStarted) return device;
    throw new CodedError("not_found", `The daemon of ${this.name} does not run now.`, { status: 404 });
  }

  get isRunning(): boolean {
    return this.#boot?.isStarted === true;
  }

  /** Switches the board on. */
  powerOn(): void {
    if (this.#isUp) return;
    this.#isUp = true;
    this.#powerCycles++;
    this.options.calendar.powerOn(this.options.time.nowUs);
    this.options.board.powerOn(this.options.time.nowUs);
    this.#starts = [];
    this.#hasFailed = false;
    this.#startDaemon();
  }

  /** Cuts the power now; it returns after `offMs`, or never if that is null. */
  powerOff(offMs: number | null, torn = false): void {
    if (!this.#isUp) return;
    const { time, board, disk, diskEntropy, network, record } = this.options;
    this.#isUp = false;
    this.#endBoot("power");
    board.powerOff(time.nowUs);
    const lost = disk.powerCut(diskEntropy, {
      torn: torn || this.#isTearing,
      ...(this.#lyingBatches > 0 ? { lyingTail: this.#lyingBatches } : {}),
    });
    network.powerOff(this.name);
    record("power.off", { ...lost });
    if (offMs !== null) time.at(time.nowUs + offMs * 1000, 0, () => this.powerOn());
  }

  /** Ends the process as `kill -9` does; systemd starts it again. */
  kill(): void {
    if (!this.#boot) return;
    this.#endProcess("kill");
    this.#restart();
  }

  /** Where the next cut strikes, how long the device is off then, and whether its last write is torn. */
  cutAt(order: CutOrder | null, off: { readonly offMs: number; readonly torn: boolean }): void {
    this.#cutOff = { ...off };
    this.counter.cutAt(order);
  }

  /** From now on a loss of power takes this many batches that were said to be synced. */
  lieAboutSync(batches: number): void {
    this.#lyingBatches = batches;
  }

  /** Whether the last unsynced write is torn by a loss of power. */
  tearNextCut(isTearing: boolean): void {
    this.#isTearing = isTearing;
  }

  /** Loses power again and again, each time soon after it has come back. */
  rebootLoop(times: number, offMs: number): void {
    if (times <= 0) return;
    const { time } = this.options;
    this.powerOff(offMs);
    time.at(time.nowUs + 2 * offMs * 1000, 0, () => this.rebootLoop(times - 1, offMs));
  }

  /** Starts what was stopped: the board, or the daemon on it. */
  start(): void {
    const { time } = this.options;
    // In an event of its own: whoever calls may stand outside of all of them.
    time.at(time.nowUs, 0, () => {
      if (!this.#isUp) return this.powerOn();
      if (this.#boot !== null) return;
      this.#starts = [];
      this.#hasFailed = false;
      this.#startDaemon();
    });
  }

  /** The right time becomes known now. */
  synchronise(): void {
    const { calendar, time, record } = this.options;
    const clock = this.#boot?.clock;
    if (!clock) return;
    const byMs = calendar.trueWallMs(time.nowUs) - clock.rawWallMs();
    clock.jumpWall(byMs);
    clock.setTrust("trusted");
    record("time.sync", { byMs });
  }

  /** Its events wait until then: late, not lost. */
  freeze(ms: number): void {
    this.#frozenUntilUs = Math.max(this.#frozenUntilUs, this.options.time.nowUs + ms * 1000);
    this.options.board.freeze(this.#frozenUntilUs);
    this.options.record("freeze", { ms });
  }

  /** Drift of the oscillator, parts per million. */
  get ppm(): number {
    return this.#ppm;
  }

  get frozenUntilUs(): number {
    return this.#frozenUntilUs;
  }

  jumpClock(byMs: number): void {
    this.options.calendar.jump(byMs);
    this.#boot?.clock.jumpWall(byMs);
    this.options.record("clock.jump", { byMs });
  }

  /** Another oscillator from the next boot on. */
  drift(ppm: number): void {
    this.#ppm = ppm;
  }

  /** Stops the daemon as systemd does, and leaves the board powered. */
  async stop(): Promise<void> {
    const boot = this.#boot;
    if (!boot?.device) return;
    await boot.device.stop("SIGTERM");
    if (this.#boot === boot) this.#endProcess("stop");
  }

  #startDaemon(): void {
    const { time, record } = this.options;
    const nowUs = time.nowUs;
    this.#starts = this.#starts.filter((at) => at > nowUs - START_WINDOW_US);
    if (this.#starts.length >= START_LIMIT) {
      this.#hasFailed = true;
      record("start_limit");
      return;
    }
    this.#starts.push(nowUs);
    const boot = this.#newBoot();
    this.#boot = boot;
    record("boot", { number: boot.number });
    void this.#live(boot);
  }

  #newBoot(): Boot {
    const { time, entropy, calendar, cpuFactor, board, onBroken } = this.options;
    const number = ++this.#boots;
    const steps = new BootSteps({
      counter: this.counter,
      isInsideEvent: () => time.isInsideEvent,
      onCut: (label, point) => {
        this.options.record("cut", { label, point, step: this.counter.count });
        this.powerOff(this.#cutOff.offMs, this.#cutOff.torn);
      },
      onOutside: (label) => onBroken("effect_outside_event", { label }),
    });
    const clock = new VirtualClock({
      time,
      ...calendar.start(time.nowUs, this.#ppm),
      ppm: this.#ppm,
      bootId: toHex(entropy.bytes(8)),
      yieldUs: () => SLICE_US * cpuFactor * (board.throttled ? 2 : 1),
      frozenUntilUs: () => this.#frozenUntilUs,
    });
    return { number, steps, clock, device: null, isStarted: false };
  }

  async #live(boot: Boot): Promise<void> {
    const log = new SimLog((line) => {
      if (boot.steps.alive) this.options.onLog(line);
    });
    const platform = simPlatform(this, boot);
    let device: Device | null = null;
    try {
      const config: Config = await loadConfig(platform.files, CONFIG_PATH);
      device = await Device.open(config, { platform, log });
      boot.device = device;
      await device.start();
      boot.isStarted = true;
      this.options.record("started", { number: boot.number });
    } catch (error) {
      if (!boot.steps.alive) return;
      await device
        ?.stop("failed")
        .catch((cause: unknown) => log.error("stop_failed", { code: codeOf(cause) }));
      if (!boot.steps.alive) return;
      this.options.record("exit", { code: codeOf(error) });
      this.options.onExit(codeOf(error), messageOf(error));
      this.#endProcess("exit");
      this.#restart();
    }
  }

  #restart(): void {
    const { time } = this.options;
    const boots = this.#boots;
    time.at(time.nowUs + RESTART_US, 2, () => {
      if (this.#isUp && this.#boot === null && this.#boots === boots) this.#startDaemon();
    });
  }

  #endProcess(end: LifeEnd): void {
    const { board, disk, network, time, record } = this.options;
    this.#endBoot(end);
    board.release(time.nowUs);
    disk.kill();
    network.kill(this.name);
    record("process.end", { end });
  }

  #endBoot(_end: LifeEnd): void {
    const boot = this.#boot;
    this.#boot = null;
    if (!boot) return;
    boot.steps.end();
    boot.clock.stop();
    boot.isStarted = false;
  }
}
