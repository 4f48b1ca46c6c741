import type { BoardDefinition } from "../../boards/index.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import type { FaultBoard } from "./faults.ts";

/** After so many clocks any device has shifted out its byte and its acknowledge bit (NXP UM10204, 3.1.16). */
const FREEING_PULSES = 9;

interface Wires {
  readonly bus: number;
  readonly sda: number;
  readonly scl: number;
  sdaHigh: boolean;
  sclHigh: boolean;
  pulses: number;
}

/** The two lines of each bus on the header, by the names of their alternate use. */
function wiresOf(board: BoardDefinition): Wires[] {
  const lineOf = (use: string): number | undefined =>
    board.lines.find((line) => line.alternate === use)?.line;
  return board.i2c.flatMap(({ bus }) => {
    const sda = lineOf(`SDA${bus}`);
    const scl = lineOf(`SCL${bus}`);
    if (sda === undefined || scl === undefined) return [];
    return [{ bus, sda, scl, sdaHigh: true, sclHigh: true, pulses: 0 }];
  });
}

/**
 * What a driver does by hand to free an I2C bus: nine pulses on SCL, then a stop (SDA rises while SCL is high). Lines
 * that are let go are pulled up.
 */
export class I2cRecovery {
  readonly #faults: FaultBoard;
  readonly #wires: readonly Wires[];

  constructor(board: BoardDefinition, faults: FaultBoard) {
    this.#faults = faults;
    this.#wires = wiresOf(board);
  }

  /** True while a device holds the line low: it lets go within nine pulses. */
  holdsLow(line: number): boolean {
    for (const wires of this.#wires) {
      if (wires.sda === line) return this.#faults.holdsBus(wires.bus) && wires.pulses < FREEING_PULSES;
    }
    return false;
  }

  /** A line of the board has changed; null when it was let go. */
  onLine(line: number, level: Level | null): void {
    const isHigh = level !== 0;
    for (const wires of this.#wires) {
      if (wires.scl === line && isHigh !== wires.sclHigh) {
        wires.sclHigh = isHigh;
        if (isHigh) wires.pulses++;
      }
      if (wires.sda !== line || isHigh === wires.sdaHigh) continue;
      wires.sdaHigh = isHigh;
      if (!isHigh || !wires.sclHigh) continue;
      if (wires.pulses >= FREEING_PULSES) this.#faults.recover(wires.bus);
      wires.pulses = 0;
    }
  }
}
