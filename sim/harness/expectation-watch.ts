/** Looks whether what a scenario expects is so, while it runs and at its end. */
import { messageOf } from "../../firmware/core/errors.ts";
import { holds } from "../scenario/evaluate.ts";
import type { Expectation } from "../scenario/types.ts";
import { runScope } from "./expression-scope.ts";
import type { Sim } from "./sim.ts";

const WORLD_CLASS = 1;

export class ExpectationWatch {
  readonly #sim: Sim;
  /** `eventually` conditions that have been true, `by` conditions that have been looked at. */
  readonly #settled = new Set<number>();

  constructor(sim: Sim) {
    this.#sim = sim;
  }

  /** Plans the looks; called once, at time 0. */
  arm(): void {
    const { scenario, time, world } = this.#sim;
    for (const expectation of scenario.expect)
      if (expectation.kind === "by") time.at(expectation.atUs, WORLD_CLASS, () => this.#by(expectation));
    const steady = scenario.expect.filter(({ kind }) => kind === "always" || kind === "eventually");
    if (steady.length === 0) return;
    const look = (): void => {
      for (const expectation of steady) this.#look(expectation);
      time.at(time.nowUs + world.stepUs, WORLD_CLASS, look);
    };
    time.at(world.stepUs, WORLD_CLASS, look);
  }

  /** What can be said only at the end. */
  async end(): Promise<void> {
    const { scenario, time, violations } = this.#sim;
    if (violations.all.length > 0) return;
    for (const expectation of scenario.expect) {
      // A run that was ended early proves nothing about what was to come.
      const isOver = time.nowUs >= scenario.durationUs;
      if (expectation.kind === "eventually" && isOver && !this.#settled.has(expectation.index))
        this.#fail(expectation, "it never came true");
      if (expectation.kind === "never" || expectation.kind === "count") this.#count(expectation);
    }
  }

  #look(expectation: Expectation): void {
    const { nowUs } = this.#sim.time;
    if (expectation.kind === "always") {
      if (nowUs < expectation.fromUs || nowUs > expectation.untilUs) return;
      if (!this.#holds(expectation)) this.#fail(expectation, "it does not hold");
    } else if (expectation.kind === "eventually" && !this.#settled.has(expectation.index)) {
      if (this.#holds(expectation)) this.#settled.add(expectation.index);
    }
  }

  #by(expectation: Expectation): void {
    this.#settled.add(expectation.index);
    if (!this.#holds(expectation)) this.#fail(expectation, "it is not so by then");
  }

  #holds(expectation: Expectation): boolean {
    if (!("condition" in expectation)) return true;
    try {
      return holds(expectation.condition, runScope(this.#sim));
    } catch (error) {
      this.#fail(expectation, messageOf(error));
      return true;
    }
  }

  #count(expectation: Expectation & { readonly kind: "never" | "count" }): void {
    const { members, counts } = this.#sim;
    const { event, devices } = expectation;
    const among = devices === null ? [...members.keys()] : devices;
    const seen = among.reduce(
      (sum, name) => sum + (members.get(name)?.observer.counts.get(event) ?? 0),
      devices === null ? (counts.get(event) ?? 0) : 0,
    );
    const [least, most] =
      expectation.kind === "never"
        ? [0, 0]
        : [expectation.atLeast, expectation.atMost ?? Number.POSITIVE_INFINITY];
    if (seen < least || seen > most) this.#fail(expectation, `it happened ${seen} times`);
  }

  #fail({ index, text }: Expectation, why: string): void {
    this.#sim.report({
      id: "E",
      what: `expect[${index}] ${text}: ${why}`,
      actor: null,
      details: { index, why },
    });
  }
}
