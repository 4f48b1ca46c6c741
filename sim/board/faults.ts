import { CodedError } from "../../firmware/core/errors.ts";
import type { Entropy } from "../../firmware/ports/entropy.ts";

/** Faults of a bus or device (simulator.md 4). Probabilities are 0..1 per transfer. */
export type SimFault =
  | { readonly kind: "nack"; readonly p: number }
  /** The data line is stuck high: every byte reads FFh. */
  | { readonly kind: "stuck_high" }
  /** The device holds SDA low: the bus is blocked for everybody. */
  | { readonly kind: "bus_stuck" }
  /** One bit of the answer is flipped. */
  | { readonly kind: "corrupt"; readonly p: number }
  | { readonly kind: "stretch"; readonly ms: number }
  | { readonly kind: "disappear" };

/** Which faults are active on what. Targets: `i2c:1`, `i2c:1:0x76`, `spi:0.0`, `serial:ttyAMA0`. */
export class FaultBoard {
  readonly #faults = new Map<string, SimFault[]>();
  readonly #entropy: Entropy;

  constructor(entropy: Entropy) {
    this.#entropy = entropy;
  }

  inject(target: string, fault: SimFault): void {
    this.#faults.set(target, [...(this.#faults.get(target) ?? []), fault]);
  }

  /** Removes one kind, or all faults of the target. */
  clear(target: string, kind?: SimFault["kind"]): void {
    const left = (this.#faults.get(target) ?? []).filter(
      (fault) => kind !== undefined && fault.kind !== kind,
    );
    this.#faults.set(target, left);
  }

  has(target: string, kind: SimFault["kind"]): boolean {
    return (this.#faults.get(target) ?? []).some((fault) => fault.kind === kind);
  }

  /** True if a nack fault strikes this transfer. */
  nacks(target: string): boolean {
    return (this.#faults.get(target) ?? []).some(
      (fault) => fault.kind === "nack" && this.#entropy.float() < fault.p,
    );
  }

  stretchMs(target: string): number {
    let ms = 0;
    for (const fault of this.#faults.get(target) ?? []) if (fault.kind === "stretch") ms += fault.ms;
    return ms;
  }

  /** The bytes as they arrive: stuck high or with a flipped bit. */
  damage(target: string, data: Uint8Array): Uint8Array {
    const out = Uint8Array.from(data);
    for (const fault of this.#faults.get(target) ?? []) {
      if (fault.kind === "stuck_high") out.fill(0xff);
      if (fault.kind === "corrupt" && out.length > 0 && this.#entropy.float() < fault.p) {
        const bit = this.#entropy.below(out.length * 8);
        out[bit >> 3] = (out[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      }
    }
    return out;
  }
}

/** A hardware error as the real providers report it. */
export function busError(code: string, message: string, target: string, touched: boolean): CodedError {
  const status = code === "target_busy" ? 409 : 500;
  return new CodedError(code, message, { status, details: { target, touched } });
}
