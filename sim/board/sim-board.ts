import type { BoardDefinition } from "../../boards/index.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Bias, Level } from "../../firmware/ports/hardware.ts";
import type { I2cTarget, SerialTarget, SpiTarget } from "../devices/target.ts";
import type { Steps } from "../power/steps.ts";
import { BoardHardware } from "./board-hardware.ts";
import { BoardLines, type LineListener } from "./board-lines.ts";
import { Boot, type RecordTrace, type Schedule } from "./boot.ts";
import { FaultBoard, faultJson, type SimFault } from "./faults.ts";
import { I2cRecovery } from "./i2c-recovery.ts";
import type { LineWiring } from "./line-wiring.ts";
import { SelfActing } from "./self-acting.ts";
import { type Rs485Wiring, SerialPort } from "./serial-port.ts";
import { i2cAddress } from "./sim-i2c.ts";
import { Supply } from "./supply.ts";

/** From here on the firmware throttles the cores (simulator.md 3). */
const THROTTLE_CELSIUS = 80;
const SERIAL = "serial:";

export interface SimWiring {
  /** By line of the first chip. */
  readonly gpio: ReadonlyMap<number, LineWiring>;
  readonly i2c: ReadonlyMap<number, ReadonlyMap<number, I2cTarget>>;
  /** By `<bus>.<chipSelect>`. */
  readonly spi: ReadonlyMap<string, SpiTarget>;
  /** By port; ports that the board does not name are USB adapters. */
  readonly serial: ReadonlyMap<string, SerialTarget>;
  /** Groups of lines that are wired together. */
  readonly joined?: readonly (readonly number[])[];
  /** Ports that are RS-485 on two wires. */
  readonly rs485?: ReadonlyMap<string, Rs485Wiring>;
}

export interface SimBoardOptions {
  readonly board: BoardDefinition;
  /** A stream of its own for every consumer, so that a new one disturbs no other. Asked for once per name. */
  readonly stream: (name: string) => Entropy;
  readonly wiring: SimWiring;
  /** True time in microseconds. */
  readonly trueNowUs: () => number;
  /** Schedules in true time, whoever has power. */
  readonly at: Schedule;
  /** Called with board time before every access, so that the devices see the world of now. */
  readonly advanceWorld?: ((nowUs: number) => void) | undefined;
  /** How often watched lines look at a world that moves only when it is looked at. */
  readonly pollMs?: number | undefined;
  readonly record?: RecordTrace | undefined;
  /** The supply has fallen below 4.63 V; called as an event of its own. */
  readonly onBrownOut?: (() => void) | undefined;
  /** Two drivers hold one net at different levels: a violation. */
  readonly onContention?: ((line: number, nowUs: number) => void) | undefined;
}

/** What the process's lines become when it dies without releasing them: the board's reset state, or as they are. */
export type AbandonedLines = "reset" | "keep";

/**
 * A board with what hangs on it. It outlives the processes that use it: models keep what their data sheets let them
 * keep, while claims and buses belong to one `hardware`.
 */
export class SimBoard {
  readonly definition: BoardDefinition;
  readonly wiring: SimWiring;
  readonly faults: FaultBoard;
  readonly supply: Supply;
  readonly lines: BoardLines;
  readonly selfActing: SelfActing;
  readonly pollMs: number | undefined;
  readonly record: RecordTrace | undefined;
  readonly #options: SimBoardOptions;
  readonly #streams = new Map<string, Entropy>();
  readonly #ports = new Map<string, SerialPort>();
  readonly #absent = new Set<string>();
  readonly #known: Set<string>;
  #hardware: BoardHardware | null = null;
  #isPowered = true;
  #isThrottled = false;

  constructor(options: SimBoardOptions) {
    this.#options = options;
    this.definition = options.board;
    this.wiring = options.wiring;
    this.pollMs = options.pollMs;
    this.record = options.record;
    this.faults = new FaultBoard(this.stream("faults"), (target, fault) => this.#onFault(target, fault));
    this.supply = this.#newSupply();
    const recovery = new I2cRecovery(options.board, this.faults);
    this.lines = this.#newLines(recovery);
    this.lines.onLine((line, level) => recovery.onLine(line, level));
    const targets = [...options.wiring.i2c.values()].flatMap((bus) => [...bus.values()]);
    this.selfActing = new SelfActing({ at: options.at, nowUs: () => this.nowUs(), targets });
    this.#known = knownResources(options.board, options.wiring);
  }

  get isPowered(): boolean {
    return this.#isPowered;
  }

  /** True while the cores run at half their speed. */
  get throttled(): boolean {
    return this.#isThrottled;
  }

  /** True microseconds. Brings the world up to it. */
  nowUs(): number {
    const now = this.#options.trueNowUs();
    this.#options.advanceWorld?.(now);
    return now;
  }

  at(atUs: number, run: () => void): ReturnType<Schedule> {
    return this.#options.at(atUs, run);
  }

  /** The named stream, the same one each time. */
  stream(name: string): Entropy {
    const known = this.#streams.get(name);
    if (known) return known;
    const made = this.#options.stream(name);
    this.#streams.set(name, made);
    return made;
  }

  /** The hardware as one process sees it from now on; that of an earlier process is ended. */
  hardware(steps: Steps, clock: Clock): BoardHardware {
    const { record } = this;
    this.#hardware?.end("process");
    const boot = new Boot({ clock, steps, nowUs: () => this.nowUs(), at: this.#options.at, record });
    this.#hardware = new BoardHardware(this, boot);
    return this.#hardware;
  }

  powerOn(nowUs: number): void {
    if (this.#isPowered) return;
    this.#isPowered = true;
    for (const { target } of this.#models()) target.powerOn?.(nowUs);
    this.selfActing.powerOn();
  }

  /** Writes under way reach their devices in part, lines fall to their reset state, models lose what they do not keep. */
  powerOff(nowUs: number): void {
    if (!this.#isPowered) return;
    this.#isPowered = false;
    this.#hardware?.end("power");
    this.#hardware = null;
    this.lines.reset(nowUs);
    this.selfActing.powerOff();
    for (const { stream, target } of this.#models()) target.powerCut?.(nowUs, this.stream(stream));
  }

  /** The process is gone, the board has power: the kernel finishes what is on the wires and takes claims back. */
  release(nowUs: number, abandoned: AbandonedLines = "reset"): void {
    this.#hardware?.end("process");
    this.#hardware = null;
    if (abandoned === "reset") this.lines.reset(nowUs);
  }

  /** The process does not run until then. What the hardware does meanwhile waits in the kernel's buffers. */
  freeze(untilUs: number): void {
    this.#hardware?.freeze(untilUs);
  }

  /** The quantities that devices measure have changed: those with output pins look at them. */
  worldMoved(nowUs: number): void {
    if (this.#isPowered) this.selfActing.worldMoved(nowUs);
  }

  /** Told of each electrical change of an output line; null when it is released. */
  onLine(listener: LineListener): Disposable {
    return this.lines.onLine(listener);
  }

  /** Level of a driven line, null for inputs. */
  levelOf(line: number): Level | null {
    return this.lines.levelOf(line);
  }

  /** Temperature of the processor in °C; it throttles from 80 on. */
  setTemperature(celsius: number): void {
    const isThrottled = celsius >= THROTTLE_CELSIUS;
    if (isThrottled === this.#isThrottled) return;
    this.#isThrottled = isThrottled;
    this.record?.("throttle", { on: isThrottled });
  }

  /** Takes a resource away (`bus:i2c:1`, `serial:ttyAMA0`, …) or gives it back, as a missing overlay or cable does. */
  setPresent(resource: string, present: boolean): void {
    if (this.#absent.has(resource) !== present) return;
    if (present) this.#absent.delete(resource);
    else this.#absent.add(resource);
    this.record?.("resource", { resource, present });
    if (resource.startsWith(SERIAL)) this.#movePort(resource.slice(SERIAL.length));
  }

  isPresent(resource: string): boolean {
    if (this.#absent.has(resource) || !this.#known.has(resource)) return false;
    return !resource.startsWith(SERIAL) || this.port(resource.slice(SERIAL.length)).isPresent;
  }

  /** A USB adapter that has vanished comes back under another name, with what hangs on it. */
  renamePort(from: string, to: string): void {
    this.setPresent(`${SERIAL}${from}`, false);
    this.port(to).target = this.port(from).target;
    this.port(from).target = null;
    this.#known.add(`${SERIAL}${to}`);
    this.setPresent(`${SERIAL}${to}`, true);
  }

  /** The port of a name; made when it is first asked for. */
  port(name: string): SerialPort {
    const known = this.#ports.get(name);
    if (known) return known;
    const { serial, rs485 } = this.wiring;
    const port = new SerialPort(name, serial.get(name) ?? null, rs485?.get(name) ?? null);
    this.#ports.set(name, port);
    return port;
  }

  #onFault(target: string, fault: SimFault | null): void {
    this.record?.(fault ? "fault" : "fault.end", fault ? { target, fault: faultJson(fault) } : { target });
    const [scheme, name = ""] = target.split(":");
    if (scheme === "gpio") this.lines.refresh(Number(name), this.nowUs());
    if (scheme === "serial") this.#movePort(name);
  }

  /** A port is there if its adapter is and no fault has taken it. */
  #movePort(name: string): void {
    const port = this.port(name);
    const isGone = this.#absent.has(`${SERIAL}${name}`) || this.faults.has(`${SERIAL}${name}`, "disappear");
    if (isGone) port.vanish(this.nowUs());
    else port.comeBack(this.nowUs());
  }

  #models(): readonly { readonly stream: string; readonly target: PowerAware }[] {
    const { gpio, i2c, spi } = this.wiring;
    return [
      ...[...gpio].flatMap(([line, wiring]) =>
        wiring.kind === "actuator" ? [{ stream: `gpio:${line}`, target: wiring.actuator }] : [],
      ),
      ...[...i2c].flatMap(([bus, targets]) =>
        [...targets].map(([address, target]) => ({ stream: `i2c-${bus}:${i2cAddress(address)}`, target })),
      ),
      ...[...spi].map(([name, target]) => ({ stream: `spi:${name}`, target })),
      ...[...this.wiring.serial].map(([name, target]) => ({ stream: `serial:${name}`, target })),
    ];
  }

  #newSupply(): Supply {
    const { supplyVolts, maxLineMilliamps, maxAllLinesMilliamps } = this.definition.power;
    return new Supply({
      volts: supplyVolts,
      maxLineMa: maxLineMilliamps,
      maxAllLinesMa: maxAllLinesMilliamps,
      record: this.record,
      // Not in the middle of the write that caused it.
      onBrownOut: () => this.at(this.#options.trueNowUs(), () => this.#options.onBrownOut?.()),
    });
  }

  #newLines(recovery: I2cRecovery): BoardLines {
    const { record, onContention, at } = this.#options;
    const [chip] = this.definition.chips;
    const pulls = new Map(
      this.definition.lines
        .filter((line) => line.chip === chip?.name)
        .map((line) => [line.line, line.reset.pull]),
    );
    const biasOf: Readonly<Record<string, Bias>> = { up: "pull-up", down: "pull-down" };
    return new BoardLines({
      wiring: this.wiring.gpio,
      joined: this.wiring.joined ?? [],
      faults: this.faults,
      supply: this.supply,
      entropy: (line) => this.stream(`gpio:${line}`),
      resetBias: (line) => biasOf[pulls.get(line) ?? "none"] ?? "none",
      isHeldLow: (line) => recovery.holdsLow(line),
      nowUs: () => this.nowUs(),
      at,
      record,
      onContention,
    });
  }
}

/** A model that the board's power reaches. */
interface PowerAware {
  powerCut?(nowUs: number, entropy: Entropy): void;
  powerOn?(nowUs: number): void;
}

const knownResources = (board: BoardDefinition, wiring: SimWiring): Set<string> =>
  new Set([
    ...board.chips.map((chip) => `gpio:${chip.name}`),
    ...board.i2c.map((entry) => `bus:i2c:${entry.bus}`),
    ...board.spi.map((entry) => `bus:spi:${entry.bus}.${entry.chipSelect}`),
    ...board.serial.map((entry) => `${SERIAL}${entry.port}`),
    ...[...wiring.serial.keys()].map((port) => `${SERIAL}${port}`),
  ]);
