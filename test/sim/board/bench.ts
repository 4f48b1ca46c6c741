import { simBoard } from "../../../boards/sim.ts";
import type { Json } from "../../../firmware/core/json.ts";
import type { LineWiring } from "../../../sim/board/line-wiring.ts";
import { SimBoard, type SimBoardOptions, type SimWiring } from "../../../sim/board/sim-board.ts";
import type { I2cTarget } from "../../../sim/devices/target.ts";
import type { CutPoint, Steps } from "../../../sim/power/steps.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { VirtualClock } from "../../../sim/time/virtual-clock.ts";
import { aVirtualClock } from "../virtual-board.ts";

export interface Recorded {
  readonly kind: string;
  readonly data: Json | undefined;
}

/** Steps that cut one of them: the power of the board goes there. */
export class CuttingSteps implements Steps {
  readonly labels: string[] = [];
  alive = true;
  onCut: () => void = () => undefined;
  readonly #label: string;
  readonly #point: CutPoint;

  constructor(label = "", point: CutPoint = "before") {
    this.#label = label;
    this.#point = point;
  }

  async take<T>(label: string, work: () => T | Promise<T>, partly?: () => void): Promise<T> {
    this.labels.push(label);
    const isCut = label === this.#label;
    if (isCut && this.#point === "during") partly?.();
    const result = isCut && this.#point !== "after" ? null : await work();
    if (!isCut && this.alive) return result as T;
    if (isCut) {
      this.alive = false;
      this.onCut();
    }
    return new Promise<never>(() => undefined);
  }
}

export interface BenchOptions extends Partial<Omit<SimBoardOptions, "wiring">> {
  readonly wiring?: Partial<SimWiring>;
  readonly steps?: CuttingSteps;
  readonly ppm?: number;
}

/** A board on virtual time with everything it records. */
export function aBoard(options: BenchOptions = {}) {
  const { time } = aVirtualClock();
  const { steps = new CuttingSteps(), wiring = {}, ppm = 0, ...rest } = options;
  const clock = new VirtualClock({ time, wall0Ms: 0, ppm, bootId: "00000000000000b3" });
  const records: Recorded[] = [];
  const board = new SimBoard({
    board: simBoard,
    stream: (name) => new SeededEntropy("1", name),
    wiring: { gpio: new Map(), i2c: new Map(), spi: new Map(), serial: new Map(), ...wiring },
    trueNowUs: () => time.nowUs,
    at: (atUs, run) => time.at(atUs, 1, run),
    record: (kind, data) => records.push({ kind, data }),
    ...rest,
  });
  steps.onCut = () => board.powerOff(time.nowUs);
  const hardware = board.hardware(steps, clock);
  const of = (kind: string): Json[] =>
    records.filter((record) => record.kind === kind).map((record) => record.data ?? null);
  return { time, clock, board, hardware, steps, records, of };
}

export const output = (line: number, initial: 0 | 1) =>
  ({ chip: "gpiochip0", line, direction: "out", initial }) as const;

export const input = (line: number, bias: "none" | "pull-up" | "pull-down" = "none") =>
  ({ chip: "gpiochip0", line, direction: "in", bias }) as const;

/** Remembers the levels it was driven with, and when. */
export function aProbe(loadMa = 0) {
  const levels: { level: 0 | 1 | null; atUs: number }[] = [];
  const wiring: LineWiring = {
    kind: "actuator",
    actuator: { drive: (level, atUs) => levels.push({ level, atUs }) },
    ...(loadMa > 0 ? { loadMa } : {}),
  };
  return { levels, wiring };
}

/** A register file behind an address pointer that remembers all calls. */
export class MemoryTarget implements I2cTarget {
  readonly writes: { readonly data: number[]; readonly atUs: number }[] = [];
  readonly reads: { readonly length: number; readonly atUs: number }[] = [];
  readonly registers = Uint8Array.from({ length: 256 }, (_, i) => i);
  isAcknowledging = true;
  #pointer = 0;

  write(data: Uint8Array, nowUs: number): boolean {
    this.writes.push({ data: [...data], atUs: nowUs });
    this.#pointer = data[0] ?? this.#pointer;
    this.registers.set(data.subarray(1), this.#pointer);
    return this.isAcknowledging;
  }

  read(length: number, nowUs: number): Uint8Array {
    this.reads.push({ length, atUs: nowUs });
    return this.registers.slice(this.#pointer, this.#pointer + length);
  }
}
