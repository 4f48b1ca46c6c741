import type { BoardDefinition } from "../../boards/index.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import { type Steps, UNCUT } from "../power/steps.ts";
import { BoardHardware } from "./board-hardware.ts";
import { Boot, type RecordTrace, type Schedule } from "./boot.ts";
import { SimBoard, type SimWiring } from "./sim-board.ts";

export type { SimWiring } from "./sim-board.ts";

export interface SimHardwareOptions {
  readonly board: BoardDefinition;
  readonly clock: Clock;
  /** A stream of its own for every consumer, so that a new one disturbs no other. */
  readonly stream: (name: string) => Entropy;
  readonly wiring: SimWiring;
  /** Called with board time before every access, so that the devices see the world of now. */
  readonly advanceWorld?: (nowUs: number) => void;
  /** How often watched lines look at a world that moves only when it is looked at. */
  readonly pollMs?: number;
  readonly steps?: Steps;
  readonly record?: RecordTrace;
  /** Default: by the clock, from 0 at construction. */
  readonly trueNowUs?: () => number;
  /** Default: by the clock. */
  readonly at?: Schedule;
  readonly onBrownOut?: () => void;
  readonly onContention?: (line: number, nowUs: number) => void;
}

/** A simulated board with the one process that uses it, for demonstrations and tests. */
export class SimHardware extends BoardHardware {
  constructor(options: SimHardwareOptions) {
    const { clock, steps = UNCUT } = options;
    const startMs = clock.monoMs();
    const trueNowUs = options.trueNowUs ?? (() => Math.round((clock.monoMs() - startMs) * 1000));
    const at: Schedule =
      options.at ?? ((atUs, run) => clock.after(Math.max(0, atUs - trueNowUs()) / 1000, run));
    const board = new SimBoard({ ...options, trueNowUs, at });
    super(board, new Boot({ clock, steps, nowUs: () => board.nowUs(), at, record: options.record }));
  }

  /** Board time in microseconds. Brings the world up to it. */
  nowUs(): number {
    return this.board.nowUs();
  }

  /** Takes a resource away (`bus:i2c:1`, `serial:ttyAMA0`, …) or gives it back, as a missing overlay or cable does. */
  setPresent(resource: string, present: boolean): void {
    this.board.setPresent(resource, present);
  }
}
