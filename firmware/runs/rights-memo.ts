/** What a program may do under a release, put together once and not at every run. */
import type { RequirementLayer } from "../evidence/index.ts";
import { subjectStatement } from "../policy/index.ts";
import type { Subject } from "../policy/types.ts";
import { effectiveLimits } from "../vm/index.ts";
import type { Limits, Tier } from "../vm/types.ts";
import type { InstalledProgram, ReleaseSet } from "./program-set.ts";

export interface Rights {
  readonly limits: Limits;
  /** What the subject's own entry in the policy adds to every requirement. */
  readonly demands: RequirementLayer;
}

/** Remembers by identity, since a set never changes, and holds none alive. */
export class RightsMemo {
  readonly #known = new WeakMap<ReleaseSet, Map<InstalledProgram, Rights>>();

  rights(set: ReleaseSet, program: InstalledProgram, subject: Subject, tier: Tier): Rights {
    let ofSet = this.#known.get(set);
    if (!ofSet) {
      ofSet = new Map();
      this.#known.set(set, ofSet);
    }
    const known = ofSet.get(program);
    if (known) return known;
    const { policy } = set;
    const stated = subjectStatement(subject);
    const limits = effectiveLimits({
      tier,
      policy: { ...policy.limits, claims: policy.replyRequirement.maxClaims },
      subject: stated.limits,
      document: program.document.limits,
    });
    const rights = { limits, demands: stated.requirement };
    ofSet.set(program, rights);
    return rights;
  }
}
