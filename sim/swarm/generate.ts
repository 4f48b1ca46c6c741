/** One seed, one scenario: a document that says everything about a drawn run, printable and run again by anybody. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import { drawAdversary, drawCommands, drawHands, drawInterruption, drawRelease } from "./deeds.ts";
import { type DrawnGroup, drawGroup } from "./devices.ts";
import { Dice } from "./dice.ts";
import { EXAMPLE_SITES, type Examples, exampleGroup } from "./examples.ts";
import { drawFaults, type Target } from "./faults.ts";
import { drawPruned, drawPruning } from "./retention.ts";

/** Nothing goes wrong any more after the faults have had their time: the bound of convergence and some room. */
const QUIET_S = 80;
const FIRST_FAULT_S = 8;
/** What a ledger needs on top to have tiles that can be pruned. */
const FILLING_S = 60;

/** Nodes of the world have names of their own in each group. */
function renamed(group: DrawnGroup, suffix: string): DrawnGroup {
  const names = Object.keys(group.world);
  const rename = <T extends Json>(json: T): T =>
    names.reduce(
      (value, name) => JSON.parse(JSON.stringify(value).replaceAll(`"${name}.`, `"${name}${suffix}.`)) as T,
      json,
    );
  const world = Object.fromEntries(
    Object.entries(rename(group.world)).map(([name, node]) => [`${name}${suffix}`, node]),
  );
  return { ...group, world, group: { ...group.group, wiring: rename(group.group.wiring ?? []) } };
}

function drawGroups(examples: Examples, dice: Dice): readonly DrawnGroup[] {
  const sizes: readonly number[] = dice.weighted([
    [5, [1]],
    [4, [2]],
    [3, [1, 1]],
    [2, [3]],
    [1, [2, 1]],
    [1, [2, 2]],
    [1, [6]],
  ]);
  return sizes.map((count, index) => {
    const prefix = index === 0 ? "a-" : "b-";
    const drawn = dice.chance(0.25)
      ? exampleGroup(dice.pick(EXAMPLE_SITES), prefix, count, examples, dice)
      : drawGroup(prefix, count, dice);
    return renamed(drawn, index === 0 ? "A" : "B");
  });
}

function drawLink(dice: Dice): JsonObject {
  const base = { minUs: dice.pick([500, 5000, 50_000]), spreadUs: dice.pick([0, 20_000, 200_000]) };
  const tail = dice.chance(0.4) ? { tailP: 0.03, tailUs: dice.pick([400_000, 3_000_000]) } : {};
  const mode = dice.weighted([
    [2, "faithful"],
    [1, "hostile"],
  ]);
  const loss = dice.chance(0.5) ? { loss: dice.pick([0.01, 0.05, 0.15]) } : {};
  const duplicate = mode === "hostile" && dice.chance(0.7) ? { duplicate: dice.pick([0.05, 0.3]) } : {};
  return { mode, ...base, ...tail, ...loss, ...duplicate };
}

const byTime = (entries: readonly JsonObject[]): JsonObject[] =>
  [...entries].sort((a, b) => Number(a.at) - Number(b.at));

/**
 * The scenario of a seed. Equal seeds give equal documents, on every machine and whatever else runs.
 * @param examples the sites of the folder `examples`, since a document must hold everything that it runs.
 */
export function generateScenario(seed: string, examples: Examples): JsonObject {
  const dice = new Dice(seed);
  // What was added later draws from a stream of its own: seeds keep the rest of their scenario.
  const later = new Dice(seed, "swarm:interruption");
  const retention = new Dice(seed, "swarm:retention");
  const isPruned = retention.chance(0.35);
  const drawn = drawGroups(examples, dice);
  const groups = isPruned ? drawn.map((group) => drawPruned(group, retention)) : drawn;
  const targets: readonly Target[] = groups.flatMap((group) =>
    Array.from({ length: group.count }, (_, index) => ({
      device: `${group.prefix}${String(index + 1).padStart(3, "0")}`,
      group,
    })),
  );
  // Many devices for a short time, few for longer.
  const faultsS = Math.floor(dice.whole(50, 200) / Math.max(1, targets.length / 2)) + 20;
  const window = { fromS: FIRST_FAULT_S, untilS: FIRST_FAULT_S + faultsS + (isPruned ? FILLING_S : 0) };
  const endS = window.untilS + QUIET_S;
  const operators = [
    { id: "op-1", scopes: ["command", "deploy", ...(dice.chance(0.3) ? ["emergency"] : [])] },
    ...(dice.chance(0.3) ? [{ id: "op-2", scopes: [dice.pick(["deploy", "command"])] }] : []),
  ];
  const names = operators.map(({ id }) => id);
  const talk = { fromS: 3, untilS: endS - 20 };
  const timeline = [
    ...drawFaults(
      targets,
      dice.weighted([
        [1, 0],
        [3, dice.whole(1, 3)],
        [4, dice.whole(3, 8)],
      ]),
      window,
      dice,
    ),
    ...drawCommands(targets, names, dice.whole(0, 10), talk, dice),
    ...drawHands(targets, dice.whole(0, 3), window, dice),
    ...(dice.chance(0.25) ? [drawRelease(targets, window, dice)] : []),
    ...(isPruned ? drawPruning(targets, { ...window, untilS: endS - 20 }, retention) : []),
    ...(isPruned && retention.chance(0.5) ? [drawRelease(targets, window, retention)] : []),
    ...(later.chance(0.35) ? drawInterruption(targets, window, later) : []),
  ];
  const adversaries = dice.chance(0.35) ? [drawAdversary(targets, dice.whole(1, 6), window, dice)] : [];
  return {
    name: `swarm-${seed}`,
    seed,
    duration: `${endS}s`,
    order: dice.weighted([
      [9, "random"],
      [1, "fifo"],
    ]),
    worldStep: "500ms",
    fleet: { id: "swarm", root: "sim", operators },
    broker: {
      version: dice.weighted([
        [4, 5],
        [1, 4],
      ]),
      volatile: dice.chance(0.3),
    },
    link: drawLink(dice),
    devices: groups.map(({ group }) => group),
    world: Object.assign({}, ...groups.map(({ world }) => world)) as JsonObject,
    timeline: byTime(timeline),
    ...(adversaries.length > 0 ? { adversaries } : {}),
    expect: [{ count: { event: "boot", atLeast: 1 } }],
    bounds: { convergence: "60s" },
  };
}
