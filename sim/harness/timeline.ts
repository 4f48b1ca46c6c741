/** Lets happen what a scenario's timeline says, each in its time. */
import { codeOf, messageOf } from "../../firmware/core/errors.ts";
import type { AttackAct, DeedAct, FaultAct } from "../scenario/acts.ts";
import { holds } from "../scenario/evaluate.ts";
import type { Adversary, Occasion } from "../scenario/types.ts";
import { attack } from "./attack-acts.ts";
import { doDeed } from "./deed-acts.ts";
import { runScope } from "./expression-scope.ts";
import { applyFault, classOfFault } from "./fault-acts.ts";
import type { Sim } from "./sim.ts";

const FAULT_CLASS = 0;
const WORLD_CLASS = 1;
const OTHER_CLASS = 2;

interface Watched {
  readonly occasion: Occasion & { readonly kind: "when" };
  readonly act: () => void;
  wasTrue: boolean;
}

export class Timeline {
  readonly #sim: Sim;
  readonly #watched: Watched[] = [];
  #activeFaults = 0;
  /** True time at which the newest fault struck or ended. */
  #lastFaultUs = 0;

  constructor(sim: Sim) {
    this.#sim = sim;
  }

  /** Since when no fault has been active; null while one is. */
  get quietSinceUs(): number | null {
    return this.#activeFaults > 0 ? null : this.#lastFaultUs;
  }

  /** Plans everything; called once, at time 0. */
  arm(): void {
    const { scenario } = this.#sim;
    for (const { when, act } of scenario.timeline) {
      if ("fault" in act) this.#plan(when, FAULT_CLASS, () => this.#fault(act));
      else this.#plan(when, OTHER_CLASS, () => this.#deed(act));
    }
    for (const adversary of scenario.adversaries)
      for (const { when, act } of adversary.script)
        this.#plan(when, OTHER_CLASS, () => this.#attack(adversary, act));
    if (this.#watched.length > 0) this.#watch();
  }

  /** Applies a fault now, as the timeline would. */
  fault(act: FaultAct): void {
    this.#fault(act);
  }

  #plan(when: Occasion, cls: 0 | 2, act: () => void): void {
    const { time } = this.#sim;
    if (when.kind === "at") {
      time.at(when.atUs, cls, act);
    } else if (when.kind === "every") {
      const again = (atUs: number): void => {
        if (atUs > when.untilUs) return;
        time.at(atUs, cls, () => {
          act();
          again(atUs + when.everyUs);
        });
      };
      again(when.fromUs);
    } else this.#watched.push({ occasion: when, act, wasTrue: false });
  }

  /** Conditions are looked at in each step of the world; what they start happens when they become true. */
  #watch(): void {
    const { time, world } = this.#sim;
    const look = (): void => {
      for (const watched of this.#watched) this.#look(watched);
      time.at(time.nowUs + world.stepUs, WORLD_CLASS, look);
    };
    time.at(world.stepUs, WORLD_CLASS, look);
  }

  #look(watched: Watched): void {
    const { occasion, act } = watched;
    const { nowUs } = this.#sim.time;
    const isTrue =
      nowUs >= occasion.fromUs && nowUs <= occasion.untilUs && holds(occasion.condition, runScope(this.#sim));
    if (isTrue && !watched.wasTrue) act();
    watched.wasTrue = isTrue;
  }

  #fault(act: FaultAct): void {
    const { time, trace, faultClasses } = this.#sim;
    faultClasses.add(classOfFault(act));
    this.#lastFaultUs = time.nowUs;
    trace.record("sim", "fault", { fault: act.fault });
    const end = applyFault(this.#sim, act);
    if (end === null) return;
    this.#activeFaults++;
    const forUs = "forUs" in act ? act.forUs : null;
    if (forUs === null) return;
    time.at(time.nowUs + forUs, FAULT_CLASS, () => {
      end();
      this.#activeFaults--;
      this.#lastFaultUs = time.nowUs;
      trace.record("sim", "fault.end", { fault: act.fault });
    });
  }

  /** What somebody does may be refused: that is a result, not a fault of the run. */
  #deed(act: DeedAct): void {
    const { trace } = this.#sim;
    trace.record("sim", "deed", { do: act.do });
    void doDeed(this.#sim, act).catch((error: unknown) =>
      trace.record("sim", "deed.failed", { do: act.do, code: codeOf(error), why: messageOf(error) }),
    );
  }

  #attack(adversary: Adversary, act: AttackAct): void {
    this.#sim.faultClasses.add("adversary");
    this.#sim.trace.record(adversary.id, "attack", { send: act.send });
    attack(this.#sim, adversary, act);
  }
}
