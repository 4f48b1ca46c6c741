/** `imud --sim`: the devices of a scenario live, in the host's time, for demonstrations (simulator.md 12). */
import { readFile } from "node:fs/promises";
import { LiveRun } from "../../sim/harness/live.ts";
import { outcomeOf } from "../../sim/harness/outcome.ts";
import { failureText } from "../../sim/harness/report-text.ts";
import { Sim } from "../../sim/harness/sim.ts";
import { expandRuns } from "../../sim/scenario/expand-runs.ts";
import { parseScenario } from "../../sim/scenario/parse-scenario.ts";
import type { Run } from "../../sim/scenario/types.ts";
import { nextTurn } from "../adapters/event-loop.ts";
import { SystemClock } from "../adapters/system-clock.ts";
import { SystemEntropy } from "../adapters/system-entropy.ts";
import { CodedError } from "../core/errors.ts";
import { Narrator } from "./narrator.ts";

const TICK_MS = 50;
const QUIET_MS = 10_000;

export interface FleetWatch {
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
}

export class SimulatedFleet {
  readonly #sim: Sim;
  readonly #run: Run;
  readonly #speed: number;

  private constructor(sim: Sim, run: Run, speed: number) {
    this.#sim = sim;
    this.#run = run;
    this.#speed = speed;
  }

  /** @throws ScenarioError; the system's error for a file that cannot be read. */
  static async open(
    file: string,
    options: { readonly seed: string | null; readonly speed: number },
  ): Promise<SimulatedFleet> {
    const scenario = parseScenario(await readFile(file, "utf8"), file);
    const [run] = expandRuns(scenario, options.seed === null ? scenario.seeds.slice(0, 1) : [options.seed]);
    if (!run) throw new CodedError("scenario_invalid", `${file} has no run.`, { status: 422 });
    const host = { turn: nextTurn, read: (path: string) => readFile(path) };
    return new SimulatedFleet(await Sim.create(run, { host }), run, options.speed);
  }

  get banner(): string {
    const { scenario, seed } = this.#run;
    const names = [...this.#sim.members.keys()].join(", ");
    return (
      `imud: SIMULATED: ${scenario.name}, seed ${seed}, ×${this.#speed}: ${names}. No real hardware is touched, ` +
      "everything recorded is marked sim.\n"
    );
  }

  /** Until the scenario's end, a violation, or the signal. Then the invariants are checked. */
  async run({ write, signal }: FleetWatch): Promise<{ readonly ok: boolean; readonly text: string }> {
    const { scenario } = this.#run;
    this.#narrate(write);
    const clock = new SystemClock({ entropy: new SystemEntropy(), floorMs: 0, synchronised: () => true });
    const live = new LiveRun(this.#sim, {
      nowMs: () => clock.monoMs(),
      speed: this.#speed,
      endUs: scenario.durationUs,
    });
    while (!live.isOver && !signal.aborted) {
      await live.catchUp();
      await clock.sleep(TICK_MS);
    }
    const outcome = await outcomeOf(this.#sim, this.#run, null);
    const found = outcome.ok ? "the invariants hold" : `${outcome.violations.length} violations`;
    return {
      ok: outcome.ok,
      text: `${failureText(outcome)}imud: ${Math.floor(outcome.simulatedUs / 1e6)} s were SIMULATED; ${found}.\n`,
    };
  }

  /** Every life of every daemon is told, with the device's name in front if there are several. */
  #narrate(write: (text: string) => void): void {
    const { members, time, trace } = this.#sim;
    const tell = (name: string) => (line: string) => write(members.size > 1 ? `${name}  ${line}` : line);
    const narrators = new Map(
      [...members.keys()].map((name) => [
        name,
        new Narrator({ write: tell(name), elapsedMs: () => time.nowUs / 1000, quietMs: QUIET_MS }),
      ]),
    );
    trace.onRecord(({ actor, kind, data }) => {
      const daemon = kind === "started" ? members.get(actor)?.device.boot?.device : null;
      if (daemon) narrators.get(actor)?.follow(daemon.parts.events);
      if (kind === "fault" || kind === "deed" || kind === "power.off")
        tell(actor)(
          `${(time.nowUs / 1e6).toFixed(1).padStart(7)} s  ${kind} ${JSON.stringify(data ?? {})}\n`,
        );
    });
  }
}
