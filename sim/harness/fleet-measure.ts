/** Measures a fleet while it runs: its messages, and since when its devices hold the same shared state. */
import { CodedError } from "../../firmware/core/errors.ts";
import { isJsonObject, type Json } from "../../firmware/core/json.ts";
import { readScenario } from "../scenario/parse-scenario.ts";
import type { Scenario } from "../scenario/types.ts";
import type { Sim } from "./sim.ts";

/** The scenario with so many devices: each group gets its share, at least one. @throws ScenarioError. */
export function scenarioOfCount(scenario: Scenario, count: number): Scenario {
  const { vary: _grids, ...document } = scenario.document;
  const groups = Array.isArray(document.devices) ? (document.devices as readonly Json[]) : [];
  const before = scenario.groups.reduce((sum, { ids }) => sum + ids.length, 0);
  if (count < groups.length)
    throw new CodedError("scenario_invalid", `${scenario.name} has ${groups.length} groups of devices.`, {
      status: 422,
      details: { path: "/devices", why: "a group without devices" },
    });
  let left = count;
  const devices = groups.map((group, index) => {
    const isLast = index === groups.length - 1;
    const own = scenario.groups[index]?.ids.length ?? 1;
    const others = groups.length - 1 - index;
    const share = isLast ? left : Math.max(1, Math.min(left - others, Math.round((count * own) / before)));
    left -= share;
    return isJsonObject(group) ? { ...group, count: share } : group;
  });
  return readScenario({ ...document, devices }, scenario.file);
}

export interface FleetMeasures {
  readonly messages: number;
  readonly messageBytes: number;
  readonly online: number;
  readonly running: number;
  /** All running devices hold the same shared state now. */
  readonly isConverged: boolean;
  /** True µs since when they have; null while they do not. */
  readonly convergedSinceUs: number | null;
}

export class FleetMeasure {
  readonly #sim: Sim;
  #messages = 0;
  #bytes = 0;
  #convergedSinceUs: number | null = null;

  constructor(sim: Sim) {
    this.#sim = sim;
    sim.network.tap((event) => {
      if (event.kind !== "accepted") return;
      this.#messages++;
      this.#bytes += event.payload.length;
    });
  }

  /** Called now and then: convergence is known as exactly as it is looked at. */
  look(): void {
    if (!this.#isConverged()) this.#convergedSinceUs = null;
    else this.#convergedSinceUs ??= this.#sim.time.nowUs;
  }

  get measures(): FleetMeasures {
    const devices = [...this.#sim.members.values()].map(({ device }) => device);
    const running = devices.filter(({ isRunning }) => isRunning);
    return {
      messages: this.#messages,
      messageBytes: this.#bytes,
      running: running.length,
      online: running.filter(({ daemon }) => daemon.parts.link.bus.state === "online").length,
      isConverged: this.#convergedSinceUs !== null,
      convergedSinceUs: this.#convergedSinceUs,
    };
  }

  #isConverged(): boolean {
    let first: string | null = null;
    for (const { device } of this.#sim.members.values()) {
      if (!device.isRunning) return false;
      const summary = device.daemon.parts.fleet.sync?.summary() ?? "";
      first ??= summary;
      if (summary !== first) return false;
    }
    return true;
  }
}
