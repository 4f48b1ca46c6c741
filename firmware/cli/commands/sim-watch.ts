/** `imuctl sim watch`: one device of a simulation live in the terminal. */
import type { Command } from "commander";
import { LiveRun } from "../../../sim/harness/live.ts";
import { outcomeOf } from "../../../sim/harness/outcome.ts";
import { failureText } from "../../../sim/harness/report-text.ts";
import { Sim } from "../../../sim/harness/sim.ts";
import { drawView } from "../../../sim/harness/watch/draw.ts";
import { lookAt } from "../../../sim/harness/watch/look.ts";
import { Watcher } from "../../../sim/harness/watch/watcher.ts";
import { add, type Cli, type Handler, textOption } from "../command.ts";
import { UsageError } from "../errors.ts";
import type { Session } from "../session.ts";
import { commandHost, readScenarioFile, runOf } from "../sim/job.ts";
import { durationOption } from "../sim/options.ts";
import { actOnScenario } from "../sim/scenario-command.ts";
import { Screen } from "../sim/screen.ts";
import { safe } from "../text.ts";

const FRAME_MS = 100;
const LINE_MS = 1000;
const MAX_SPEED = 100_000;

function speedOf(text: string | null): number {
  const speed = Number(text ?? 1);
  if (Number.isFinite(speed) && speed > 0 && speed <= MAX_SPEED) return speed;
  throw new UsageError(`--speed must be a number above 0, at most ${MAX_SPEED}.`);
}

interface Watching {
  readonly session: Session;
  readonly live: LiveRun;
  readonly watcher: Watcher;
  readonly endUs: number;
  readonly speed: number;
}

/** Until the end, a violation or Ctrl-C. */
async function follow({ session, live, watcher, endUs, speed }: Watching): Promise<void> {
  const { io, isJson } = session;
  const { sim } = live;
  const isDrawn = io.isTty && !isJson;
  using screen = isDrawn ? new Screen(io) : null;
  const show = async (): Promise<void> => {
    const view = await lookAt(sim, watcher, endUs);
    if (screen) screen.draw(drawView(view, screen.size, speed).map(safe));
    else io.out(`${JSON.stringify(view)}\n`);
  };
  let shownMs = Number.NEGATIVE_INFINITY;
  while (!live.isOver && !io.signal.aborted) {
    await live.catchUp();
    if (io.clock.monoMs() - shownMs >= (isDrawn ? 0 : LINE_MS)) {
      shownMs = io.clock.monoMs();
      await show();
    }
    await io.clock.sleep(FRAME_MS, io.signal).catch(() => undefined);
  }
  await show();
}

const watch: Handler = async (session, { args, options }) => {
  const scenario = await readScenarioFile(session.path(args[0] ?? ""));
  const seed = textOption(options.seed) ?? scenario.seeds[0] ?? "1";
  const run = runOf(scenario, { seed, variant: 0 });
  const endUs = durationOption(options.until, "--until") ?? scenario.durationUs;
  const speed = speedOf(textOption(options.speed));
  const sim = await Sim.create(run, { host: commandHost });
  using watcher = new Watcher(sim, textOption(options.device) ?? [...sim.members.keys()][0] ?? "");
  const live = new LiveRun(sim, { nowMs: () => session.io.clock.monoMs(), speed, endUs });
  await follow({ session, live, watcher, endUs, speed });
  const outcome = await outcomeOf(sim, run, null);
  session.io.err(failureText(outcome).split("\n").map(safe).join("\n"));
  const { violations, simulatedUs } = outcome;
  const found = violations.length === 0 ? "the invariants hold" : `${violations.length} violations`;
  session.note(`${scenario.name} was watched for ${Math.floor(simulatedUs / 1e6)} s; ${found}; SIMULATED`);
  return session.exit(outcome.ok);
};

export function addSimWatch(group: Command, cli: Cli): void {
  add(group, "watch <file>", {
    does: "run a scenario in real time and draw one device: pins, buses, world, outputs, evidence, ledger",
    examples: [
      "imuctl sim watch examples/scenarios/tank.yaml",
      "imuctl sim watch fleet.yaml --device house-003 --speed 60",
      "imuctl sim watch tank.yaml --json | jq .outputs",
    ],
    exits:
      "0 ended or stopped with all invariants holding, 1 one does not hold, 2 the scenario cannot be run",
  })
    .option("--device <name>", "the device to draw (default: the first)")
    .option("--speed <factor>", "virtual seconds in a real one (default: 1)")
    .option("--seed <seed>", "seed (default: the scenario's first)")
    .option("--until <time>", "end at this time of the run")
    .action(actOnScenario(cli, watch));
}
