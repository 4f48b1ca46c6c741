/** Random faults of a run's timeline: every kind that simulator.md 4, 5, 7, 8 and 9 name. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { DrawnGroup } from "./devices.ts";
import type { Dice } from "./dice.ts";

/** Who can be struck, and until when (s of the run): everything has ended by then. */
export interface Target {
  readonly device: string;
  readonly group: DrawnGroup;
}

export interface Window {
  readonly fromS: number;
  readonly untilS: number;
}

interface Moment {
  readonly atS: number;
  /** Longest a fault that begins then may last. */
  readonly mostS: number;
}

type Entry = { [member: string]: Json };
type FaultMaker = (moment: Moment, targets: readonly Target[], dice: Dice) => Entry | null;

const lasting = (moment: Moment, longest: number, dice: Dice): string =>
  `${dice.whole(1, Math.max(1, Math.min(longest, moment.mostS)))}s`;

/** Labels of steps that every device takes all the time, so that a cut there strikes soon. */
const LABELS = ["store.sync", "store.batch", "store.get", "store.range", "mqtt.publish"] as const;

const cut: FaultMaker = (_moment, targets, dice) => {
  const { device, group } = dice.pick(targets);
  const off = { offMs: dice.whole(1, 12) * 500, torn: dice.chance(0.3) };
  if (dice.chance(0.3)) return { fault: "cut", device, ...off };
  const line = group.outputs[0];
  const labels = [...LABELS, "file.*", ...(line === undefined ? [] : [`gpio.write:${line}`])];
  const label = dice.weighted([
    [3, "store.sync"],
    [2, dice.pick(labels)],
  ]);
  const point = dice.pick(["before", "during", "after"]);
  return { fault: "cut", device, label, nth: dice.whole(1, 8), point, ...off };
};

const partition: FaultMaker = (moment, targets, dice) => {
  const cutOff = dice.some(targets, dice.whole(1, targets.length)).map(({ device }) => device);
  const others = targets.map(({ device }) => device).filter((device) => !cutOff.includes(device));
  return { fault: "partition", groups: [cutOff, [...others, "broker"]], for: lasting(moment, 60, dice) };
};

const oneway: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const ways = dice.chance(0.5) ? { from: [device], to: ["broker"] } : { from: ["broker"], to: [device] };
  return { fault: "oneway", ...ways, for: lasting(moment, 40, dice) };
};

const link: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const fault = dice.pick(["flap", "link_reset", "dns", "portal"]);
  if (fault === "link_reset") return { fault, device };
  const span = { for: lasting(moment, 40, dice) };
  if (fault !== "flap") return { fault, device, ...span };
  return { fault, device, period: `${dice.whole(2, 15)}s`, duty: dice.whole(2, 8) / 10, ...span };
};

const broker: FaultMaker = (moment, _targets, dice) => ({
  fault: "broker_restart",
  down: lasting(moment, 20, dice),
});

const stopping: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const fault = dice.pick(["kill", "kill", "freeze", "oom", "watchdog", "reboot"]);
  if (fault === "freeze") return { fault, device, for: lasting(moment, 12, dice) };
  if (fault === "reboot") return { fault, device, times: dice.whole(1, 3) };
  return { fault, device };
};

const clock: FaultMaker = (_moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const fault = dice.pick(["clock_jump", "clock_jump", "drift", "time_sync", "rtc_loss"]);
  if (fault === "drift") return { fault, device, ppm: dice.whole(-200, 200) };
  if (fault === "time_sync") return { fault, device, ...(dice.chance(0.3) ? { never: true } : {}) };
  if (fault === "rtc_loss") return { fault, device };
  const byMs = dice.pick([500, 5000, 60_000, 700_000, 86_400_000]) * dice.pick([1, -1]);
  return { fault, device, byMs };
};

const sensor: FaultMaker = (moment, targets, dice) => {
  const { device, group } = dice.pick(targets);
  if (group.measuring.length === 0) return null;
  const [target, quantity] = dice.pick(group.measuring);
  const kind = dice.pick(["noise", "drift", "offset", "stuck", "spike", "dropout"]);
  const numbers: Readonly<Record<typeof kind, Entry>> = {
    noise: { sigma: dice.whole(1, 50) / 10 },
    drift: { perHour: dice.whole(-500, 500) },
    offset: { by: dice.whole(-40, 40) / 2 },
    stuck: dice.chance(0.5) ? {} : { value: dice.whole(-5, 60) },
    spike: { p: 0.3, by: dice.whole(5, 60) },
    dropout: { p: 0.8, value: 0 },
  };
  return {
    fault: "sensor",
    device,
    target,
    quantity,
    kind,
    ...numbers[kind],
    for: lasting(moment, 60, dice),
  };
};

const bus: FaultMaker = (moment, targets, dice) => {
  const { device, group } = dice.pick(targets);
  if (group.measuring.length === 0) return null;
  const [target] = dice.pick(group.measuring);
  const kinds = target.startsWith("i2c")
    ? (["nack", "stretch", "corrupt", "bus_stuck", "disappear", "slow", "wrong_id"] as const)
    : (["corrupt", "disappear", "slow", "stuck_high"] as const);
  const kind: string = dice.pick(kinds);
  const numbers: Readonly<Record<string, Entry>> = {
    nack: { p: dice.whole(1, 10) / 10 },
    stretch: { ms: dice.whole(1, 60) },
    corrupt: { p: dice.whole(1, 10) / 10 },
    slow: { factor: dice.whole(2, 200) },
  };
  return { fault: "bus", device, target, kind, ...(numbers[kind] ?? {}), for: lasting(moment, 50, dice) };
};

const line: FaultMaker = (moment, targets, dice) => {
  const { device, group } = dice.pick(targets);
  const span = { for: lasting(moment, 50, dice) };
  const output = group.outputs[0];
  if (output !== undefined && dice.chance(0.5))
    return { fault: "gpio", device, line: output, kind: dice.pick(["welded", "open"]), ...span };
  const contact = group.contacts[0];
  if (contact === undefined) return null;
  return { fault: "gpio", device, line: contact, kind: dice.pick(["stuck_low", "stuck_high"]), ...span };
};

const disk: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const kind = dice.pick(["full", "readonly", "slow", "slow", "torn"]);
  const span = { for: lasting(moment, 40, dice) };
  if (kind === "full")
    return { fault: "disk", device, kind, bytes: dice.pick([0, 0, 4096, 65_536]), ...span };
  if (kind === "slow") return { fault: "disk", device, kind, ms: dice.whole(5, 400), p: 0.05, ...span };
  return { fault: "disk", device, kind, ...span };
};

/** These excuse losses, so most runs do without them. */
const dishonest: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  if (dice.chance(0.4)) return { fault: "disk", device, kind: "bitrot", silent: dice.chance(0.5) };
  return { fault: "disk", device, kind: "lying", batches: dice.whole(1, 4), for: lasting(moment, 60, dice) };
};

const byzantine: FaultMaker = (moment, targets, dice) => {
  const { device } = dice.pick(targets);
  const kind = dice.pick(["replay", "forge", "flood", "clock_ahead", "equivocate"]);
  return { fault: "byzantine", device, kind, for: lasting(moment, kind === "flood" ? 5 : 20, dice) };
};

const KINDS: readonly (readonly [weight: number, make: FaultMaker])[] = [
  [8, cut],
  [4, partition],
  [2, oneway],
  [4, link],
  [3, broker],
  [6, stopping],
  [4, clock],
  [4, sensor],
  [4, bus],
  [3, line],
  [4, disk],
  [1, dishonest],
  [1, byzantine],
];

/** Faults in the order of their times; all of them have ended at the end of the window. */
export function drawFaults(
  targets: readonly Target[],
  count: number,
  { fromS, untilS }: Window,
  dice: Dice,
): readonly JsonObject[] {
  const entries: { readonly atMs: number; readonly entry: Entry }[] = [];
  for (let i = 0; i < count; i++) {
    const atMs = dice.whole(fromS * 1000, untilS * 1000);
    const mostS = Math.floor(untilS - atMs / 1000);
    const entry = dice.weighted(KINDS)({ atS: atMs / 1000, mostS }, targets, dice);
    if (entry !== null) entries.push({ atMs, entry });
  }
  return entries.sort((a, b) => a.atMs - b.atMs).map(({ atMs, entry }) => ({ at: atMs, ...entry }));
}
