/** What outputs demand of a subject, put together once: both sides are parts of a release and never change. */
import { hashJson } from "../../core/hash.ts";
import { type RequirementLayer, tighten } from "../../evidence/index.ts";
import type { Requirement } from "../../evidence/types.ts";

export interface Demand {
  readonly requirement: Requirement;
  /** H(JCS(requirement)), as the record of a decision names it. */
  readonly hash: string;
}

/** Remembers by identity and holds nothing alive: with a release its demands go too. */
export class RequirementMemo {
  readonly #known = new WeakMap<Requirement, WeakMap<RequirementLayer, Demand>>();

  demand(base: Requirement, layer: RequirementLayer): Demand {
    let ofBase = this.#known.get(base);
    if (!ofBase) {
      ofBase = new WeakMap();
      this.#known.set(base, ofBase);
    }
    const known = ofBase.get(layer);
    if (known) return known;
    const requirement = tighten(base, layer);
    const demand = { requirement, hash: hashJson(requirement) };
    ofBase.set(layer, demand);
    return demand;
  }
}
