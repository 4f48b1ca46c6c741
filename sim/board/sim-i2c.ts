import { CallQueue } from "../../drivers/providers/call-queue.ts";
import { type CodedError, codeOf } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import type { I2cTarget } from "../devices/target.ts";
import type { ActiveFaults } from "./active-faults.ts";
import { Boot } from "./boot.ts";
import { i2cTransferUs } from "./bus-timing.ts";
import { busError, type FaultBoard } from "./faults.ts";
import { traceBytes } from "./trace-bytes.ts";

const STRETCH_LIMIT_US = 25_000;
const GENERAL_CALL = 0;
const LAST_ADDRESS = 0x7f;
const NOTHING = new Uint8Array(0);

export interface SimI2cOptions {
  readonly bus: number;
  readonly hz: number;
  readonly clock: Clock;
  readonly faults: FaultBoard;
  readonly targets: ReadonlyMap<number, I2cTarget>;
  /** Board time; also brings the world up to it. */
  readonly nowUs: () => number;
  /** Default: a life without end and without cuts. */
  readonly boot?: Boot;
  /** The stream of the device at an address; decides how much of a cut write it has got. */
  readonly entropy?: (address: number) => Entropy;
  /** A device has been talked to: it may have something to do later. */
  readonly onTouched?: (target: I2cTarget) => void;
}

/** What is known of an address, made once: names of steps and faults, and the register its pointer stands at. */
interface Slot {
  readonly address: number;
  readonly name: string;
  readonly label: string;
  register: number | null;
}

/** A transfer whose bits are on the wires. */
interface UnderWay {
  readonly slot: Slot;
  readonly write: Uint8Array;
}

export const i2cAddress = (address: number): string => `0x${address.toString(16).padStart(2, "0")}`;

/**
 * A simulated I2C controller (simulator.md 4). Combined transfers are atomic and take their time on the bus: one event,
 * at whose end the device gets the write and gives the answer, with the times at which both happened on the wires.
 */
export class SimI2cBus implements I2cBus {
  readonly #options: SimI2cOptions;
  readonly #boot: Boot;
  readonly #line: string;
  readonly #queue: CallQueue;
  readonly #slots = new Map<number, Slot>();
  #underWay: UnderWay | null = null;

  constructor(options: SimI2cOptions) {
    this.#options = options;
    this.#boot = options.boot ?? new Boot({ clock: options.clock, nowUs: options.nowUs });
    this.#line = `i2c:${options.bus}`;
    this.#queue = new CallQueue(this.#line);
  }

  transfer(address: number, write: Uint8Array, readLength: number, signal: AbortSignal): Promise<Uint8Array> {
    const slot = this.#slot(address);
    const partly = write.length > 0 ? () => this.#deliverPart(slot, write) : undefined;
    return this.#queue.run(
      () => this.#boot.take(slot.label, () => this.#access(slot, write, readLength), partly),
      signal,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue.idle();
  }

  /**
   * The process has ended. A write under way reaches its device in part when the power went with it (`power`); the
   * kernel finishes it when only the process is gone (`process`).
   */
  end(how: "power" | "process"): void {
    const underWay = this.#underWay;
    this.#underWay = null;
    if (!underWay || underWay.write.length === 0) return;
    if (how === "power") this.#deliverPart(underWay.slot, underWay.write);
    else this.#write(underWay.slot, underWay.write, this.#boot.nowUs());
  }

  async #access(slot: Slot, write: Uint8Array, readLength: number): Promise<Uint8Array> {
    const { bus } = this.#options;
    const { record } = this.#boot;
    const { address } = slot;
    try {
      const answer = await this.#transfer(slot, write, readLength);
      record?.("i2c", { bus, address, write: traceBytes(write), read: traceBytes(answer) });
      return this.#boot.frozenUntilUs > 0 ? await this.#boot.seen(answer) : answer;
    } catch (error) {
      record?.("i2c", { bus, address, write: traceBytes(write), error: codeOf(error) });
      throw error;
    }
  }

  async #transfer(slot: Slot, write: Uint8Array, readLength: number): Promise<Uint8Array> {
    const { bus, hz, faults } = this.#options;
    if (!(slot.address >= 0 && slot.address <= LAST_ADDRESS)) {
      throw busError("io_error", `${slot.name}: no 7-bit address`, slot.name, false, "EINVAL");
    }
    if (faults.holdsBus(bus)) {
      throw busError("bus_stuck", `${this.#line}: SDA is held low`, slot.name, false, "EBUSY");
    }
    const active = faults.active(this.#line, slot.name);
    const slowness = active?.slowness() ?? 1;
    const stretchUs = active?.stretchUs() ?? 0;
    if (!this.#acknowledges(slot, active)) {
      await this.#boot.wait(Math.round(i2cTransferUs(0, hz) * slowness));
      throw this.#noAnswer(slot);
    }
    if (stretchUs > STRETCH_LIMIT_US) await this.#stretchedTooLong(slot);
    const isRead = readLength > 0;
    const writeUs = write.length > 0 || !isRead ? i2cTransferUs(write.length, hz) * slowness : 0;
    const readUs = isRead ? i2cTransferUs(readLength, hz) * slowness : 0;
    this.#underWay = { slot, write };
    try {
      if (this.#mayStretch(slot) && isRead) {
        return await this.#inTwo(slot, write, readLength, { writeUs: writeUs + stretchUs, readUs, active });
      }
      await this.#boot.wait(Math.round(writeUs + stretchUs + readUs));
      const nowUs = this.#boot.nowUs();
      const readStartUs = Math.floor(nowUs - readUs);
      if (writeUs > 0) this.#mustTake(slot, write, readStartUs);
      return isRead ? this.#answer(slot, readLength, readStartUs, active) : NOTHING;
    } finally {
      this.#underWay = null;
    }
  }

  /** A device that stretches the clock is asked between the messages for how long. */
  async #inTwo(
    slot: Slot,
    write: Uint8Array,
    readLength: number,
    timing: { readonly writeUs: number; readonly readUs: number; readonly active: ActiveFaults | null },
  ): Promise<Uint8Array> {
    if (timing.writeUs > 0) await this.#boot.wait(Math.round(timing.writeUs));
    if (write.length > 0) this.#mustTake(slot, write, this.#boot.nowUs());
    this.#underWay = null;
    const ownUs = (this.#target(slot)?.clockStretchMs?.(this.#boot.nowUs()) ?? 0) * 1000;
    if (ownUs > STRETCH_LIMIT_US) await this.#stretchedTooLong(slot);
    await this.#boot.wait(Math.round(ownUs + timing.readUs));
    return this.#answer(slot, readLength, Math.floor(this.#boot.nowUs() - timing.readUs), timing.active);
  }

  async #stretchedTooLong(slot: Slot): Promise<never> {
    await this.#boot.wait(STRETCH_LIMIT_US);
    const message = `${slot.name}: clock stretched over ${STRETCH_LIMIT_US / 1000} ms`;
    throw busError("io_timeout", message, slot.name, true, "ETIMEDOUT");
  }

  #mustTake(slot: Slot, write: Uint8Array, nowUs: number): void {
    if (this.#write(slot, write, nowUs)) return;
    const errno = write.length === 0 ? "ENXIO" : "EREMOTEIO";
    throw busError("nack", `${slot.name} did not acknowledge data`, slot.name, true, errno);
  }

  #answer(slot: Slot, length: number, nowUs: number, active: ActiveFaults | null): Uint8Array {
    const target = this.#target(slot);
    const answer = target?.read(length, nowUs) ?? null;
    if (!target || !answer) throw this.#noAnswer(slot);
    this.#options.onTouched?.(target);
    return active ? active.damage(answer, slot.register) : answer;
  }

  #noAnswer(slot: Slot): CodedError {
    return busError("nack", `${slot.name} did not acknowledge`, slot.name, true, "ENXIO");
  }

  #acknowledges(slot: Slot, active: ActiveFaults | null): boolean {
    if (active && (active.has("disappear") || active.nacks())) return false;
    return slot.address === GENERAL_CALL ? this.#listeners().length > 0 : this.#target(slot) !== undefined;
  }

  #write(slot: Slot, data: Uint8Array, nowUs: number): boolean {
    if (slot.address === GENERAL_CALL) {
      for (const target of this.#listeners()) {
        target.generalCall?.(data, nowUs);
        this.#options.onTouched?.(target);
      }
      return true;
    }
    const target = this.#target(slot);
    if (!target) return false;
    if (data.length > 0) slot.register = data[0] ?? null;
    const isTaken = target.write(data, nowUs);
    this.#options.onTouched?.(target);
    return isTaken;
  }

  /** Cut in the middle: the device has the first k of n bytes, k = int(n+1) (simulator.md 4). */
  #deliverPart(slot: Slot, write: Uint8Array): void {
    const taken = this.#options.entropy?.(slot.address).below(write.length + 1) ?? write.length;
    this.#boot.record?.("i2c.cut", { bus: this.#options.bus, address: slot.address, taken });
    if (taken > 0) this.#write(slot, write.subarray(0, taken), this.#boot.nowUs());
  }

  #mayStretch(slot: Slot): boolean {
    return this.#target(slot)?.clockStretchMs !== undefined;
  }

  #target(slot: Slot): I2cTarget | undefined {
    return this.#options.targets.get(slot.address);
  }

  /** Who hears the general call, in the order of wiring; a device that has vanished does not. */
  #listeners(): readonly I2cTarget[] {
    const { targets, faults } = this.#options;
    return [...targets]
      .filter(([address]) => !faults.has(this.#slot(address).name, "disappear"))
      .map(([, target]) => target)
      .filter((target) => target.generalCall !== undefined);
  }

  #slot(address: number): Slot {
    const known = this.#slots.get(address);
    if (known) return known;
    const name = `${this.#line}:${i2cAddress(address)}`;
    const label = `i2c.transfer:${this.#options.bus}:${i2cAddress(address)}`;
    const slot: Slot = { address, name, label, register: null };
    this.#slots.set(address, slot);
    return slot;
  }
}
