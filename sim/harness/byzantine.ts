/** A device that turns against its fleet: it speaks with its own name and place, and says what is wrong. */
import { utf8 } from "../../firmware/core/bytes.ts";
import { SeededEntropy } from "../time/entropy.ts";
import type { EndFault } from "./fault-acts.ts";
import type { Member, Sim } from "./sim.ts";

export type ByzantineKind = "equivocate" | "replay" | "forge" | "flood" | "clock_ahead";

const EVERY_US = 500_000;
const FLOOD_MESSAGES = 200;
const AHEAD_MS = 3_600_000;
/** Synced batches that are taken back, so that the device speaks again with numbers that it has used. */
const FORGOTTEN_BATCHES = 8;

/** Repeats until its end. */
function repeat(sim: Sim, act: () => void): EndFault {
  let isOver = false;
  const again = (): void => {
    if (isOver) return;
    act();
    sim.time.at(sim.time.nowUs + EVERY_US, 2, again);
  };
  again();
  return () => {
    isOver = true;
  };
}

/** @returns what ends it; null if it is over at once. */
export function turnByzantine(sim: Sim, { device, observer }: Member, kind: ByzantineKind): EndFault {
  const { network, scenario, seed, time } = sim;
  if (kind === "clock_ahead") {
    device.jumpClock(AHEAD_MS);
    return () => device.jumpClock(-AHEAD_MS);
  }
  observer.isHonest = false;
  if (kind === "equivocate") {
    observer.isDiskHonest = false;
    device.lieAboutSync(FORGOTTEN_BATCHES);
    device.powerOff(1000);
    device.lieAboutSync(0);
    return null;
  }
  const entropy = new SeededEntropy(seed, `byzantine:${device.name}:${time.nowUs}`);
  const client = network.adversary(`evil-${device.name}`);
  const gossip = `imu/v1/${scenario.fleet.id}/gossip`;
  const own = sim.messages.filter(({ from, topic }) => from === device.name && topic.startsWith(gossip));
  const end = repeat(sim, () => {
    if (!client.isConnected) client.connect({ clean: true });
    if (kind === "flood") {
      for (let i = 0; i < FLOOD_MESSAGES; i++) client.publish(gossip, entropy.bytes(64 + entropy.below(512)));
      return;
    }
    const copied = own[entropy.below(Math.max(1, own.length))];
    const payload = copied ? copied.payload.slice() : utf8("{}");
    if (kind === "forge") {
      const at = entropy.below(payload.length);
      payload[at] = (payload[at] ?? 0) ^ (1 << entropy.below(8));
    }
    client.publish(copied?.topic ?? gossip, payload);
  });
  return () => {
    end?.();
    client.drop();
  };
}
