import type { JsonObject } from "../../firmware/core/json.ts";

/** The invariants of simulator.md 11. */
export const INVARIANTS = {
  I1: "effect_without_evidence",
  I2: "ledger",
  I3: "replay",
  I4: "safe_state",
  I5: "at_most_once",
  I6: "convergence",
  I7: "tighten_only",
  I8: "quotas",
  I9: "ota_states",
  I10: "durability",
  I11: "secrets",
  I12: "bounds",
  I13: "errors",
  I14: "determinism",
  I15: "marked",
  I16: "proofs",
  I17: "checkpoints",
  I18: "retention",
  /** Not a rule of the daemon: what the scenario's author expects. */
  E: "expectation",
} as const;

export type InvariantId = keyof typeof INVARIANTS;

export interface Violation {
  readonly id: InvariantId;
  /** What is wrong, for people. */
  readonly what: string;
  /** The device or client concerned; null for the whole run. */
  readonly actor: string | null;
  /** True microseconds at which it was found. */
  readonly atUs: number;
  readonly details: JsonObject;
}

export type Report = (violation: Omit<Violation, "atUs">) => void;

/** What a run has violated, in the order of finding; equal findings of one actor are reported once. */
export class Violations {
  readonly #found: Violation[] = [];
  readonly #nowUs: () => number;
  readonly #onFirst: () => void;

  constructor(options: { readonly nowUs: () => number; readonly onFirst: () => void }) {
    this.#nowUs = options.nowUs;
    this.#onFirst = options.onFirst;
  }

  get all(): readonly Violation[] {
    return this.#found;
  }

  readonly report: Report = (violation) => {
    const isKnown = this.#found.some(
      ({ id, actor, what }) => id === violation.id && actor === violation.actor && what === violation.what,
    );
    if (isKnown) return;
    this.#found.push({ ...violation, atUs: this.#nowUs() });
    if (this.#found.length === 1) this.#onFirst();
  };
}
