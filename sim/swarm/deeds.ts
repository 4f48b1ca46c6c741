/** What operators, people and adversaries do in a drawn run: commands good and bad, releases, presses of buttons. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Dice } from "./dice.ts";
import type { Target, Window } from "./faults.ts";

const FLEET = "swarm";
const WALL_ZERO_MS = 1_700_000_000_000;
type Entry = { [member: string]: Json };

const atIn = ({ fromS, untilS }: Window, dice: Dice): number => dice.whole(fromS * 1000, untilS * 1000);

function drawCommand({ group }: Target, dice: Dice): JsonObject {
  const program = dice.pick(group.programs);
  return dice.weighted<readonly (readonly [number, JsonObject])[]>([
    [6, { name: "run.start", args: { program } }],
    [1, { name: "program.run", args: { program, payload: { n: dice.whole(0, 9) } } }],
    [2, { name: "status.get" }],
    [1, { name: "ledger.head" }],
    [3, { name: "outputs.safe", args: { reason: "drill" } }],
    [1, { name: "ota.status" }],
    [1, { name: "emergency.stop" }],
    [1, { name: "run.start", args: { program: "nobody" } }],
    [1, { name: "device.wipe" }],
  ]);
}

/** What may be wrong with a command, or nothing. */
function drawTwist(target: Target, targets: readonly Target[], dice: Dice): Entry {
  const other = dice.pick(targets);
  return dice.weighted<readonly (readonly [number, Entry])[]>([
    [6, {}],
    [2, { challenge: true }],
    [2, { times: dice.whole(2, 4) }],
    [2, { lifetime: "20s", age: `${dice.whole(21, 300)}s` }],
    [1, { lifetime: "30s", age: `${dice.whole(0, 29)}s` }],
    [1, { lifetime: "3h" }],
    [1, { age: "1h", lifetime: "2h" }],
    [2, other === target ? {} : { to: [other.device] }],
  ]);
}

/** Commands of the operators, each perhaps with something wrong. */
export function drawCommands(
  targets: readonly Target[],
  operators: readonly string[],
  count: number,
  window: Window,
  dice: Dice,
): readonly JsonObject[] {
  return Array.from({ length: count }, () => {
    const target = dice.pick(targets);
    return {
      at: atIn(window, dice),
      do: "publish",
      as: dice.pick(operators),
      device: target.device,
      command: drawCommand(target, dice),
      ...drawTwist(target, targets, dice),
    };
  });
}

/** A command whose work takes a while, and the process or the power gone before it is done. */
export function drawInterruption(
  targets: readonly Target[],
  window: Window,
  dice: Dice,
): readonly JsonObject[] {
  const { device, group } = dice.pick(targets);
  const at = atIn(window, dice);
  const slow = group.programs.filter((name) => name === "late" || name === "edge");
  const program = dice.pick(slow.length > 0 ? slow : group.programs);
  const end: JsonObject = dice.chance(0.5)
    ? { fault: "kill", device }
    : { fault: "cut", device, offMs: dice.whole(1, 6) * 500, torn: dice.chance(0.3) };
  return [
    { at, do: "publish", as: "op-1", device, command: { name: "run.start", args: { program } } },
    { at: at + dice.whole(20, 1500), ...end },
  ];
}

/** A release with another policy: sound, loosened without a word, or without a higher version. */
export function drawRelease(targets: readonly Target[], window: Window, dice: Dice): JsonObject {
  const { device, group } = dice.pick(targets);
  const version = dice.weighted([
    [5, 2],
    [1, 1],
    [1, 7],
  ]);
  const { policy } = group;
  const outputs = (policy.outputs as readonly JsonObject[]).map((output) =>
    dice.chance(0.5)
      ? {
          ...output,
          requires: { ...(output.requires as JsonObject), maxAgeMs: dice.pick([1000, 2500, 8000]) },
        }
      : output,
  );
  const changed: JsonObject = dice.chance(0.3) ? { ...policy, version } : { ...policy, version, outputs };
  return { at: atIn(window, dice), do: "ota", targets: changed, signers: ["op-1"], device };
}

/** Buttons are pressed, the daemon is stopped by hand and started again. */
export function drawHands(
  targets: readonly Target[],
  count: number,
  window: Window,
  dice: Dice,
): readonly JsonObject[] {
  return Array.from({ length: count }, () => dice.pick(targets)).flatMap(
    ({ device, group }): JsonObject[] => {
      const at = atIn(window, dice);
      const contact = group.contacts[0];
      if (contact !== undefined && dice.chance(0.6))
        return [{ at, do: "press", device, line: contact, for: dice.whole(1, 4000) }];
      if (dice.chance(0.5)) return [{ at, do: "run", device, program: dice.pick(group.programs) }];
      return [
        { at, do: "shutdown", device },
        { at: at + dice.whole(1, 9) * 1000, do: "boot", device },
      ];
    },
  );
}

function drawForgery(target: Target, atMs: number, dice: Dice): Entry {
  const now = WALL_ZERO_MS + atMs;
  // Everything about it is right but the signature: a UUIDv7 of that very moment, and arguments.
  const time = now.toString(16).padStart(12, "0");
  const rest = String(dice.whole(100_000_000, 999_999_999)).padStart(12, "0");
  const payload = {
    schema: "imu.command/1",
    id: `${time.slice(0, 8)}-${time.slice(8)}-7abc-8def-${rest}`,
    fleet: FLEET,
    audience: { devices: [`{${target.device}}`] },
    args: {},
    ...drawCommand(target, dice),
    issuedAt: now,
    expiresAt: now + 300_000,
  };
  return {
    send: "forge",
    topic: `imu/v1/${FLEET}/{${target.device}}/cmd`,
    payload,
    as: dice.pick(["op-1", "nobody"]),
  };
}

function drawAttack(targets: readonly Target[], atMs: number, dice: Dice): Entry {
  const target = dice.pick(targets);
  const own = `imu/v1/${FLEET}/{${target.device}}`;
  const topic = dice.pick([`${own}/cmd`, `imu/v1/${FLEET}/gossip`, `${own}/ota/offer`]);
  return dice.weighted<readonly (readonly [number, () => Entry])[]>([
    [4, () => ({ send: "replay", copy: `imu/v1/${FLEET}/+/cmd`, count: dice.whole(1, 10) })],
    [1, () => ({ send: "replay", copy: `imu/v1/${FLEET}/+/cmd`, count: 4, topic: `${own}/cmd` })],
    [2, () => ({ send: "replay", copy: `imu/v1/${FLEET}/gossip`, count: dice.whole(1, 30) })],
    [3, () => drawForgery(target, atMs, dice)],
    [2, () => ({ send: "malformed", topic, count: dice.whole(1, 8) })],
    [1, () => ({ send: "oversized", topic, bytes: dice.pick([70_000, 300_000]) })],
    [1, () => ({ send: "flood", topic, perSecond: dice.pick([20, 100]), for: "3s", bytes: 200 })],
    [
      1,
      () => ({ send: "raw", topic, payload: { schema: "imu.command/1", id: "x" }, retain: dice.chance(0.3) }),
    ],
  ])();
}

/** A client of the broker that is no friend. */
export function drawAdversary(
  targets: readonly Target[],
  count: number,
  window: Window,
  dice: Dice,
): JsonObject {
  const { device } = dice.pick(targets);
  const script = Array.from({ length: count }, () => {
    const at = atIn(window, dice);
    return { at, ...drawAttack(targets, at, dice) };
  });
  return { id: "mallory", key: dice.pick(["own", "none", `device:${device}`]), script };
}
