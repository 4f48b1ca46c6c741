import type { Timer } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { Bias, Level } from "../../firmware/ports/hardware.ts";
import type { RecordTrace, Schedule } from "./boot.ts";
import { type EdgeSource, nextEdge } from "./edge-source.ts";
import type { FaultBoard } from "./faults.ts";
import type { LineWiring } from "./line-wiring.ts";
import { Listeners } from "./listeners.ts";
import { PinSource } from "./pin-source.ts";
import type { Supply } from "./supply.ts";

/** Told of each electrical change of an output line; null when nobody drives it any more. */
export type LineListener = (line: number, level: Level | null, nowUs: number) => void;

export interface BoardLinesOptions {
  readonly wiring: ReadonlyMap<number, LineWiring>;
  /** Groups of lines that are wired together. */
  readonly joined: readonly (readonly number[])[];
  readonly faults: FaultBoard;
  readonly supply: Supply;
  readonly entropy: (line: number) => Entropy;
  /** Pull of the board at a line that nobody has claimed. */
  readonly resetBias: (line: number) => Bias;
  /** True for a line that a part of a bus holds low. */
  readonly isHeldLow: (line: number) => boolean;
  readonly nowUs: () => number;
  readonly at: Schedule;
  readonly record?: RecordTrace | undefined;
  readonly onContention?: ((line: number, nowUs: number) => void) | undefined;
}

interface Line {
  readonly number: number;
  readonly wiring: LineWiring | null;
  readonly faultTarget: string;
  readonly pin: PinSource;
  /** Level that the owner drives, null as an input. */
  driven: Level | null;
  /** Bias that the owner has asked for, null without owner. */
  bias: Bias | null;
  /** What observers have been told. */
  shown: Level | null;
  /** What the actuator has been told. */
  given: Level | null;
}

/** Lines that are electrically one. */
interface Net {
  readonly lines: readonly Line[];
  isContending: boolean;
  /** Looks at a wired driver while somebody else drives as well. */
  guard: { timer: Timer | null; readonly listening: Disposable } | null;
}

/** What drives a net hard: outputs, and parts wired to it. */
interface Drivers {
  readonly low: boolean;
  readonly high: boolean;
  readonly wiredLow: boolean;
  readonly wiredHigh: boolean;
}

/** The electrical state of a board's lines; it outlives the processes that drive them. */
export class BoardLines {
  readonly #options: BoardLinesOptions;
  readonly #nets = new Map<number, Net>();
  readonly #listeners = new Listeners<[number, Level | null, number]>();

  constructor(options: BoardLinesOptions) {
    this.#options = options;
  }

  onLine(listener: LineListener): Disposable {
    return this.#listeners.add(listener);
  }

  /** Level of a line that somebody drives, null for inputs. */
  levelOf(line: number): Level | null {
    const net = this.#nets.get(line);
    return net ? own(net, line).shown : null;
  }

  /** The owner drives a level. */
  drive(line: number, level: Level, nowUs: number): void {
    const net = this.#net(line);
    const state = own(net, line);
    state.bias = null;
    if (state.driven === level) return;
    const before = this.#present(net, nowUs);
    state.driven = level;
    this.#settle(net, before, nowUs);
  }

  /** An input with a bias; null gives the line back to the board's reset state. */
  release(line: number, bias: Bias | null, nowUs: number): void {
    const net = this.#net(line);
    const state = own(net, line);
    const before = this.#present(net, nowUs);
    state.driven = null;
    state.bias = bias;
    this.#settle(net, before, nowUs);
  }

  /** Electrical level as the input buffer sees it. A floating line gives float() < 0.5 of its stream. */
  read(line: number, nowUs: number): Level {
    if (this.#options.isHeldLow(line)) return 0;
    const net = this.#net(line);
    return this.#firm(net, nowUs) ?? (this.#options.entropy(line).float() < 0.5 ? 1 : 0);
  }

  /** Edges at the line's pin. */
  source(line: number): EdgeSource {
    return own(this.#net(line), line).pin;
  }

  /** Level for a watch that begins: of before this microsecond, in which something may still happen. */
  levelBefore(line: number, nowUs: number): Level {
    return this.#firm(this.#net(line), nowUs - 1) ?? 0;
  }

  /** A fault of the line has begun or ended. */
  refresh(line: number, nowUs: number): void {
    const net = this.#net(line);
    this.#settle(net, this.#present(net, nowUs), nowUs);
  }

  /** Power is gone: all lines are inputs with the board's pulls. */
  reset(nowUs: number): void {
    for (const [number, net] of this.#nets) {
      const state = own(net, number);
      if (state.driven !== null || state.bias !== null) this.release(number, null, nowUs);
    }
  }

  #settle(net: Net, before: Level, nowUs: number): void {
    const drivers = this.#drivers(net, nowUs);
    const isContending =
      (drivers.low && drivers.high) ||
      (drivers.low && drivers.wiredHigh) ||
      (drivers.high && drivers.wiredLow);
    this.#judge(net, isContending, nowUs);
    const level = this.#stuck(net) ?? (drivers.low || isContending ? 0 : drivers.high ? 1 : null);
    for (const line of net.lines) {
      line.pin.hold(level, before, level ?? this.#free(net, nowUs) ?? 0, nowUs);
      this.#give(line, level, nowUs);
    }
    for (const line of net.lines) this.#show(line, line.driven === null ? null : level, nowUs);
    this.#guard(net, drivers, nowUs);
  }

  #judge(net: Net, isContending: boolean, nowUs: number): void {
    if (isContending === net.isContending) return;
    net.isContending = isContending;
    if (!isContending) return;
    const lines = net.lines.map((line) => line.number);
    this.#options.record?.("gpio_contention", { lines });
    this.#options.onContention?.(lines[0] ?? 0, nowUs);
  }

  #give(line: Line, level: Level | null, nowUs: number): void {
    if (line.wiring?.kind !== "actuator" || level === line.given) return;
    line.given = level;
    const { actuator, loadMa = 0, loadAt = 1 } = line.wiring;
    actuator.drive(level, nowUs);
    if (loadMa > 0) this.#options.supply.load(line.number, level === loadAt ? loadMa : 0);
  }

  #show(line: Line, level: Level | null, nowUs: number): void {
    if (line.shown === level) return;
    line.shown = level;
    this.#listeners.tell(line.number, level, nowUs);
  }

  /** A part that changes its level later may come to contend with the output that is joined to it. */
  #guard(net: Net, drivers: Drivers, nowUs: number): void {
    const wired = net.lines.find((line) => line.wiring?.kind === "contact")?.wiring;
    net.guard?.timer?.cancel();
    if (wired?.kind !== "contact" || !(drivers.low || drivers.high)) {
      net.guard?.listening[Symbol.dispose]();
      net.guard = null;
      return;
    }
    const again = (): void => {
      const now = this.#options.nowUs();
      this.#settle(net, this.#present(net, now), now);
    };
    net.guard ??= { timer: null, listening: wired.contact.onEdges(again) };
    const next = nextEdge(wired.contact, nowUs);
    net.guard.timer = next ? this.#options.at(next.atUs, again) : null;
  }

  #drivers(net: Net, nowUs: number): Drivers {
    let low = false;
    let high = false;
    let wiredLow = false;
    let wiredHigh = false;
    for (const { driven, wiring } of net.lines) {
      if (driven === 0) low = true;
      if (driven === 1) high = true;
      if (wiring?.kind !== "contact") continue;
      const level = wiring.contact.levelAt(nowUs);
      const hard = wiring.drives ?? "both";
      if (level === 0 && hard !== "high") wiredLow = true;
      if (level === 1 && hard !== "low") wiredHigh = true;
    }
    return { low, high, wiredLow, wiredHigh };
  }

  #stuck(net: Net): Level | null {
    const { faults } = this.#options;
    for (const { faultTarget } of net.lines) {
      const active = faults.active(faultTarget);
      if (active?.has("stuck_low")) return 0;
      if (active?.has("stuck_high")) return 1;
    }
    return null;
  }

  /** The level if anything decides it, else null. */
  #firm(net: Net, nowUs: number): Level | null {
    return this.#stuck(net) ?? this.#free(net, nowUs);
  }

  /** As `#firm`, if no line were stuck. Where two drivers contend, the low one is the stronger. */
  #free(net: Net, nowUs: number): Level | null {
    const { low, high, wiredLow } = this.#drivers(net, nowUs);
    if (low || high) return low || wiredLow ? 0 : 1;
    for (const { wiring } of net.lines) if (wiring?.kind === "contact") return wiring.contact.levelAt(nowUs);
    for (const line of net.lines) {
      const bias = line.bias ?? this.#options.resetBias(line.number);
      if (bias !== "none") return bias === "pull-up" ? 1 : 0;
    }
    return null;
  }

  /** The level until now, whatever has just changed; a floating line counts as low where nobody reads it. */
  #present(net: Net, nowUs: number): Level {
    return net.lines[0]?.pin.held ?? this.#free(net, nowUs) ?? 0;
  }

  #net(number: number): Net {
    const known = this.#nets.get(number);
    if (known) return known;
    const group = this.#options.joined.find((lines) => lines.includes(number)) ?? [number];
    const net: Net = { lines: group.map((line) => this.#line(line)), isContending: false, guard: null };
    for (const line of group) this.#nets.set(line, net);
    return net;
  }

  #line(number: number): Line {
    const wiring = this.#options.wiring.get(number) ?? null;
    const pin = new PinSource(wiring?.kind === "contact" ? wiring.contact : null);
    const faultTarget = `gpio:${number}`;
    return { number, wiring, faultTarget, pin, driven: null, bias: null, shown: null, given: null };
  }
}

function own(net: Net, number: number): Line {
  for (const line of net.lines) if (line.number === number) return line;
  throw new RangeError(`line ${number} is not part of its net`);
}
