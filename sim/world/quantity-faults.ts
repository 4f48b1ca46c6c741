import type { NodeEntropy } from "./nodes/node.ts";

/** What may be wrong with a sensor's quantity before it is encoded (simulator.md 5). */
export type QuantityFault =
  /** Adds gauss·sigma. */
  | { readonly kind: "noise"; readonly sigma: number }
  /** Adds `perHour` for every hour since its begin. */
  | { readonly kind: "drift"; readonly perHour: number }
  | { readonly kind: "offset"; readonly by: number }
  /** Stays at `value`, or at what it was when it was first looked at. */
  | { readonly kind: "stuck"; readonly value: number | null }
  /** With probability p a sample is `by` too high or, as often, too low. */
  | { readonly kind: "spike"; readonly p: number; readonly by: number }
  /** With probability p a sample is `value` instead, as with a loose contact. */
  | { readonly kind: "dropout"; readonly p: number; readonly value: number };

export type QuantityFaultKind = QuantityFault["kind"];

/** Where in time a fault holds: from `fromUs` on, before `untilUs`; null for ever. */
export interface FaultSpan {
  readonly fromUs: number;
  readonly untilUs: number | null;
}

interface Active {
  readonly fault: QuantityFault;
  readonly span: FaultSpan;
  /** What a stuck sensor shows. */
  frozen: number | null;
}

const ORDER: readonly QuantityFaultKind[] = ["drift", "offset", "noise", "spike", "stuck", "dropout"];
const HOUR_US = 3_600_000_000;

/**
 * The faults of one sensor quantity, each in its span of time. They strike in the order drift, offset, noise, spike,
 * stuck, dropout, whenever they were added; random ones draw from the sensor's own stream, only while they hold.
 */
export class QuantityFaults {
  readonly #entropy: NodeEntropy;
  #active: readonly Active[] = [];

  constructor(entropy: NodeEntropy) {
    this.#entropy = entropy;
  }

  add(fault: QuantityFault, span: FaultSpan = { fromUs: 0, untilUs: null }): void {
    const added = { fault, span, frozen: null };
    this.#active = ORDER.flatMap((kind) => [...this.#active, added].filter((one) => one.fault.kind === kind));
  }

  /** Ends all faults, or those of one kind. */
  clear(kind?: QuantityFaultKind): void {
    this.#active = kind === undefined ? [] : this.#active.filter(({ fault }) => fault.kind !== kind);
  }

  /** What the sensor meets instead of `value` at a time. */
  apply(value: number, atUs: number): number {
    let out = value;
    for (const active of this.#active) {
      const { fromUs, untilUs } = active.span;
      if (atUs >= fromUs && (untilUs === null || atUs < untilUs)) out = this.#strike(active, out, atUs);
    }
    return out;
  }

  #strike(active: Active, value: number, atUs: number): number {
    const { fault, span } = active;
    switch (fault.kind) {
      case "noise":
        return value + this.#entropy.gauss() * fault.sigma;
      case "drift":
        return value + (fault.perHour * (atUs - span.fromUs)) / HOUR_US;
      case "offset":
        return value + fault.by;
      case "stuck":
        active.frozen ??= fault.value ?? value;
        return active.frozen;
      case "spike": {
        if (this.#entropy.float() >= fault.p) return value;
        return this.#entropy.below(2) === 0 ? value - fault.by : value + fault.by;
      }
      case "dropout":
        return this.#entropy.float() < fault.p ? fault.value : value;
    }
  }
}
