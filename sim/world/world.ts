import { SeededEntropy } from "../time/entropy.ts";
import type { Cell } from "./cell.ts";
import { DelayLine } from "./delay-line.ts";
import type { DrivenCell, InputOptions, InputSource } from "./drive.ts";
import { NODE_KINDS } from "./nodes/kinds.ts";
import type { NodeKind } from "./nodes/node.ts";
import { PlacedNode } from "./placed-node.ts";
import type { Quantity, QuantityOptions } from "./quantity.ts";
import { checkSchedule } from "./schedule.ts";
import { completeValues, type WorldConfig, type WorldNodeConfig, worldProblem } from "./world-config.ts";

/** Less is what rounding leaves, not water on the floor. */
const ALARM_FROM = 1e-9;

/** A cell whose value is also wanted some steps late. */
interface Tap {
  readonly cell: Cell;
  readonly line: DelayLine;
  late: number;
}

/**
 * The physical world (simulator.md 6): nodes computed in fixed steps in declared order from named streams of one seed.
 * It is lazy: whoever looks brings it up to true time first, and the result does not depend on who looks when. An
 * actuator must bring it up to now before it moves, so that the past keeps its old position.
 */
export class World {
  readonly stepUs: number;
  readonly #nodes: readonly PlacedNode[];
  readonly #byName: ReadonlyMap<string, PlacedNode>;
  readonly #taps: Tap[] = [];
  readonly #dtS: number;
  #steps = 0;

  /** @throws CodedError `bad_args` for unknown names, missing numbers, or schedules that do not rise. */
  constructor(seed: string, config: WorldConfig) {
    this.stepUs = config.stepUs;
    this.#dtS = config.stepUs / 1e6;
    this.#nodes = config.nodes.map((node) => {
      const kind: NodeKind = NODE_KINDS[node.kind];
      const entropy = new SeededEntropy(seed, `world:${node.name}`);
      return new PlacedNode(node.name, kind.create(completeValues(node), entropy));
    });
    this.#byName = new Map(this.#nodes.map((node) => [node.name, node]));
    for (const node of config.nodes) this.#drive(node);
  }

  /** Computes all whole steps that end at or before a true time in µs. Never goes back. */
  advanceTo(trueUs: number): void {
    const due = Math.floor(trueUs / this.stepUs);
    while (this.#steps < due) this.#step();
  }

  /** True time up to which the world is computed. */
  get atUs(): number {
    return this.#steps * this.stepUs;
  }

  /** The value of `tank1.level` as computed. @throws CodedError `bad_args` for a name that is not there. */
  get(name: string): number {
    return this.#cell(name).cell.value;
  }

  has(name: string): boolean {
    const [node = "", field = ""] = split(name);
    return Object.hasOwn(this.#byName.get(node)?.node.cells ?? {}, field);
  }

  /** All values of one node by their names. @throws CodedError `bad_args`. */
  node(name: string): Readonly<Record<string, number>> {
    const placed = this.#byName.get(name);
    if (!placed) throw worldProblem(`there is no node ${name}`, { node: name });
    return Object.fromEntries(Object.entries(placed.node.cells).map(([field, { value }]) => [field, value]));
  }

  /** Whether a quantity is computed, and no parameter or input. @throws CodedError `bad_args`. */
  isComputed(name: string): boolean {
    return this.#cell(name).cell.role !== "driven";
  }

  get nodeNames(): readonly string[] {
    return this.#nodes.map(({ name }) => name);
  }

  /**
   * A state goes on from this value. Anything else keeps it, whatever drives it, until `release`.
   * @throws CodedError `bad_args`.
   */
  set(name: string, value: number): void {
    const { cell, placed } = this.#cell(name);
    if (!Number.isFinite(value)) throw worldProblem("a value is a finite number", { name });
    if (cell.role === "state") cell.value = value;
    else placed.hold(cell, value);
  }

  /** Gives a value that was set back to what drives it. @throws CodedError `bad_args`. */
  release(name: string): void {
    const { cell, placed } = this.#cell(name);
    placed.release(cell);
  }

  /** Connects an actuator with an input; several on one input add up. @throws CodedError `bad_args`. */
  input(name: string, source: InputSource, options: InputOptions = {}): void {
    this.#drivable(name).source(source, options.gain ?? 1, this.#stepsOf(options.delayUs ?? 0));
  }

  /** Connects a sensor with a quantity: value·gain + offset, then its faults. @throws CodedError `bad_args`. */
  quantity(name: string, options: QuantityOptions = {}): Quantity {
    const { cell } = this.#cell(name);
    const { gain = 1, offset = 0, delayUs = 0, faults } = options;
    const tap = delayUs > 0 ? this.#tap(cell, this.#stepsOf(delayUs)) : null;
    return (atUs) => {
      this.advanceTo(atUs);
      const value = (tap ? tap.late : cell.value) * gain + offset;
      return faults ? faults.apply(value, atUs) : value;
    };
  }

  /** What has gone wrong so far, such as `tank1.overflow` in m³: names and amounts. */
  alarms(): readonly { readonly name: string; readonly value: number }[] {
    return this.#nodes.flatMap(({ name, node }) =>
      Object.entries(node.cells)
        .filter(([, cell]) => cell.alarm && cell.value > ALARM_FROM)
        .map(([field, { value }]) => ({ name: `${name}.${field}`, value })),
    );
  }

  #step(): void {
    const fromUs = this.#steps * this.stepUs;
    const time = { dtS: this.#dtS, atUs: fromUs + this.stepUs };
    for (const node of this.#nodes) node.step(time, fromUs);
    for (const tap of this.#taps) tap.late = tap.line.push(tap.cell.value);
    this.#steps++;
  }

  #stepsOf(delayUs: number): number {
    return Math.ceil(delayUs / this.stepUs);
  }

  #tap(cell: Cell, steps: number): Tap {
    const tap = { cell, line: new DelayLine(steps, cell.value), late: cell.value };
    this.#taps.push(tap);
    return tap;
  }

  #drive({ name, drives }: WorldNodeConfig): void {
    for (const [field, drive] of Object.entries(drives)) {
      const driven = this.#drivable(`${name}.${field}`);
      if (drive.kind === "quantity") driven.quantity(this.#cell(drive.of).cell, drive.gain, drive.offset);
      else {
        checkSchedule(drive.schedule);
        driven.schedule(drive.schedule);
      }
      driven.update(0);
    }
  }

  #drivable(name: string): DrivenCell {
    const { cell, placed } = this.#cell(name);
    if (cell.role !== "driven") throw worldProblem(`${name} is computed and cannot be driven`, { name });
    return placed.driven(cell);
  }

  #cell(name: string): { readonly cell: Cell; readonly placed: PlacedNode } {
    const [node = "", field = ""] = split(name);
    const placed = this.#byName.get(node);
    const cell = placed && Object.hasOwn(placed.node.cells, field) ? placed.node.cells[field] : undefined;
    if (!placed || !cell) throw worldProblem(`there is no ${name}`, { name });
    return { cell, placed };
  }
}

/** `tank1.level` is level of tank1. */
function split(name: string): readonly [node: string, field: string] {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
}
