import { CodedError } from "../../firmware/core/errors.ts";
import type { Json } from "../../firmware/core/json.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";
import { ActiveFaults } from "./active-faults.ts";

/** Faults of a bus, device or line (simulator.md 4). Probabilities are 0..1 per transfer. */
export type SimFault =
  | { readonly kind: "nack"; readonly p: number }
  /** The data line is stuck high: every byte reads FFh; a serial line is silent; a pin reads 1. */
  | { readonly kind: "stuck_high" }
  /** The data line is stuck low: every byte reads 00h; a serial line is silent; a pin reads 0. */
  | { readonly kind: "stuck_low" }
  /**
   * The device holds SDA low: the bus is blocked for everybody until nine clock pulses and a stop free it; never if
   * `permanent`, as a short circuit is.
   */
  | { readonly kind: "bus_stuck"; readonly permanent?: boolean }
  /** One bit of the answer is flipped. */
  | { readonly kind: "corrupt"; readonly p: number }
  | { readonly kind: "stretch"; readonly ms: number }
  /** Everything on the bus takes this many times as long. */
  | { readonly kind: "slow"; readonly factor: number }
  /** Another chip than expected: reads that cover `register` find `value` there. */
  | { readonly kind: "wrong_id"; readonly register: number; readonly value: number }
  | { readonly kind: "disappear" };

export type FaultKind = SimFault["kind"];

/** Which faults mean something on what; anything else is refused, for a fault that does nothing would prove nothing. */
const KINDS: Readonly<Record<string, readonly FaultKind[]>> = {
  i2c: [
    ...(["nack", "stuck_high", "bus_stuck", "corrupt", "stretch", "slow", "wrong_id"] as const),
    "disappear",
  ],
  spi: ["stuck_high", "stuck_low", "corrupt", "slow", "wrong_id", "disappear"],
  serial: ["stuck_high", "stuck_low", "corrupt", "slow", "disappear"],
  gpio: ["stuck_high", "stuck_low"],
};

export type FaultListener = (target: string, fault: SimFault | null) => void;

/** Which faults are active on what. Targets: `i2c:1`, `i2c:1:0x76`, `spi:0.0`, `serial:ttyAMA0`, `gpio:17`. */
export class FaultBoard {
  readonly #faults = new Map<string, readonly SimFault[]>();
  readonly #entropy: Entropy;
  readonly #onChange: FaultListener | null;

  /** @param onChange told of each fault that begins (`fault`) and of targets whose faults have ended (null). */
  constructor(entropy: Entropy, onChange: FaultListener | null = null) {
    this.#entropy = entropy;
    this.#onChange = onChange;
  }

  /** @throws CodedError `scenario_invalid` (422) when the fault means nothing on the target. */
  inject(target: string, fault: SimFault): void {
    const scheme = target.split(":")[0] ?? "";
    if (!KINDS[scheme]?.includes(fault.kind)) {
      throw new CodedError("scenario_invalid", `A fault ${fault.kind} means nothing on ${target}.`, {
        status: 422,
        details: { path: target, why: fault.kind },
      });
    }
    this.#faults.set(target, [...(this.#faults.get(target) ?? []), fault]);
    this.#onChange?.(target, fault);
  }

  /** Removes one kind, or all faults of the target. */
  clear(target: string, kind?: FaultKind): void {
    this.#keep(target, (fault) => kind !== undefined && fault.kind !== kind);
  }

  has(target: string, kind: FaultKind): boolean {
    return this.#faults.get(target)?.some((fault) => fault.kind === kind) ?? false;
  }

  /** Nine clock pulses and a stop on an I2C bus: devices that were in the middle of a byte let go of SDA. */
  recover(bus: number): void {
    for (const target of [...this.#faults.keys()]) {
      if (isOnBus(target, bus))
        this.#keep(target, (fault) => fault.kind !== "bus_stuck" || fault.permanent === true);
    }
  }

  /** True while something holds SDA of the bus low. */
  holdsBus(bus: number): boolean {
    if (this.#faults.size === 0) return false;
    for (const [target, faults] of this.#faults) {
      if (isOnBus(target, bus) && faults.some((fault) => fault.kind === "bus_stuck")) return true;
    }
    return false;
  }

  /** The faults that a transfer meets on its bus and its device; null if there are none, which costs nothing. */
  active(bus: string, device: string | null = null): ActiveFaults | null {
    if (this.#faults.size === 0) return null;
    const onBus = this.#faults.get(bus);
    const onDevice = device === null ? undefined : this.#faults.get(device);
    if (!onBus && !onDevice) return null;
    return new ActiveFaults([...(onBus ?? []), ...(onDevice ?? [])], this.#entropy);
  }

  #keep(target: string, isKept: (fault: SimFault) => boolean): void {
    const before = this.#faults.get(target);
    const left = before?.filter(isKept);
    if (!before || !left || left.length === before.length) return;
    if (left.length === 0) this.#faults.delete(target);
    else this.#faults.set(target, left);
    this.#onChange?.(target, null);
  }
}

/** The bus itself or a device on it. */
const isOnBus = (target: string, bus: number): boolean =>
  target === `i2c:${bus}` || target.startsWith(`i2c:${bus}:`);

/** A fault as it stands in a trace record. */
export const faultJson = (fault: SimFault): Json => ({ ...fault });

/** A hardware error as the real providers report it. @param errno what the kernel would have said */
export function busError(
  code: string,
  message: string,
  target: string,
  touched: boolean,
  errno?: string,
): CodedError {
  const status = code === "target_busy" ? 409 : 500;
  const details = { target, touched, ...(errno === undefined ? {} : { errno }) };
  return new CodedError(code, message, { status, details });
}
