/** Ledgers that fill up and are pruned within minutes: every run leaves an entry, and operators order what may go. */
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import type { DrawnGroup } from "./devices.ts";
import type { Dice } from "./dice.ts";
import type { Target, Window } from "./faults.ts";

/** Programs whose runs share no entry, so that tiles of 256 entries are full soon. */
function withoutRollups(policy: JsonObject): JsonObject {
  const subjects = isJsonObject(policy.subjects ?? null) ? (policy.subjects as JsonObject) : {};
  const told = Object.entries(subjects).map(([id, subject]): [string, Json] => [
    id,
    isJsonObject(subject) && subject.kind === "program" ? { ...subject, rollup: false } : subject,
  ]);
  return { ...policy, subjects: Object.fromEntries(told) };
}

/** The group with a ledger that keeps as little as it may. */
export function drawPruned(drawn: DrawnGroup, dice: Dice): DrawnGroup {
  const policy = dice.chance(0.8) ? withoutRollups(drawn.policy) : drawn.policy;
  const { config = {} } = drawn.group as { readonly config?: JsonObject };
  const ledger = {
    minDays: 0,
    ...(dice.chance(0.4) ? { leafDays: 0 } : {}),
    ...(dice.chance(0.4) ? { quorum: 0 } : {}),
  };
  return { ...drawn, policy, group: { ...drawn.group, policy, config: { ...config, ledger } } };
}

/** Orders to prune, most of them when there is something to prune, and now and then an end of the power beside one. */
export function drawPruning(targets: readonly Target[], window: Window, dice: Dice): readonly JsonObject[] {
  return Array.from({ length: dice.whole(1, 4) }, () => dice.pick(targets)).flatMap(({ device }) => {
    const fromS = Math.floor((window.fromS + window.untilS) / 2);
    const at = dice.whole(fromS * 1000, window.untilS * 1000);
    const limits = dice.weighted<readonly (readonly [number, JsonObject])[]>([
      [3, { maxBytes: 0 }],
      [2, { maxBytes: 100_000 }],
      [1, { maxDays: 0 }],
    ]);
    const order: JsonObject = {
      at,
      do: "prune",
      device,
      ...limits,
      ...(dice.chance(0.6) ? { unwitnessed: true } : {}),
    };
    const cut = { at: at + dice.whole(1, 40), fault: "cut", device, offMs: dice.whole(1, 6) * 500 };
    return dice.chance(0.25) ? [order, cut] : [order];
  });
}
