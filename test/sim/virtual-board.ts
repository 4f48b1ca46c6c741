import { setImmediate as hostTurn } from "node:timers/promises";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { VirtualClock, VirtualTime } from "../../sim/time/virtual-clock.ts";
import { createGreenhouseBoard } from "../../sim/world/greenhouse.ts";

const turn = async (): Promise<void> => {
  await hostTurn();
};

/** Virtual time with a clock on it, in creation order. */
export function aVirtualClock() {
  const time = new VirtualTime({ order: { mode: "fifo" }, turn });
  const clock = new VirtualClock({ time, wall0Ms: 1_700_000_000_000, bootId: "00000000000000b1" });
  return { time, clock };
}

/** A greenhouse on virtual time. */
export function aGreenhouse(seed = "1") {
  const { time, clock } = aVirtualClock();
  const board = createGreenhouseBoard({ clock, entropy: new SeededEntropy(seed, "test"), seed });
  return { time, clock, ...board };
}

export const never = new AbortController().signal;
