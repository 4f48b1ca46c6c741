import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import type { I2cTarget } from "../devices/target.ts";
import { i2cTransferUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";

const STRETCH_LIMIT_MS = 25;

export interface SimI2cOptions {
  readonly bus: number;
  readonly hz: number;
  readonly clock: Clock;
  readonly faults: FaultBoard;
  readonly targets: ReadonlyMap<number, I2cTarget>;
  /** Board time; also brings the world up to it. */
  readonly nowUs: () => number;
}

const hex = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/** A simulated I2C controller. Combined transfers are atomic and take their time on the bus (simulator.md 4). */
export class SimI2cBus implements I2cBus {
  readonly #options: SimI2cOptions;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: SimI2cOptions) {
    this.#options = options;
  }

  transfer(address: number, write: Uint8Array, readLength: number, signal: AbortSignal): Promise<Uint8Array> {
    const turn = this.#tail.then(() => this.#transfer(address, write, readLength, signal));
    this.#tail = turn.catch(() => undefined);
    return turn;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail;
  }

  async #transfer(
    address: number,
    write: Uint8Array,
    readLength: number,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    const { bus, hz, clock, faults, targets, nowUs } = this.#options;
    const line = `i2c:${bus}`;
    const target = `${line}:${hex(address)}`;
    if (signal.aborted) throw busError("io_aborted", `${target}: aborted before the start`, target, false);
    if (faults.has(line, "bus_stuck") || faults.has(target, "bus_stuck")) {
      throw busError("bus_stuck", `${line}: SDA is held low`, target, false);
    }
    const stretchMs = faults.stretchMs(target);
    if (stretchMs > STRETCH_LIMIT_MS) {
      await clock.sleep(STRETCH_LIMIT_MS, signal);
      throw busError("io_timeout", `${target}: clock stretched over ${STRETCH_LIMIT_MS} ms`, target, true);
    }
    const device = faults.has(target, "disappear") ? undefined : targets.get(address);
    if (!device || faults.nacks(target))
      throw busError("nack", `${target} did not acknowledge`, target, true);
    if (write.length > 0 && !device.write(write, nowUs())) {
      throw busError("nack", `${target} did not acknowledge data`, target, true);
    }
    const messages = (write.length > 0 ? 1 : 0) + (readLength > 0 ? 1 : 0);
    const timeUs = i2cTransferUs(write.length + readLength + Math.max(0, messages - 1), hz);
    await clock.sleep(timeUs / 1000 + stretchMs, signal);
    if (readLength === 0) return new Uint8Array(0);
    const answer = device.read(readLength, nowUs());
    if (!answer) throw busError("nack", `${target} did not acknowledge the read`, target, true);
    return faults.damage(target, answer);
  }
}
