/** The platform of one life of a simulated device: the real daemon's composition over simulated parts. */
import type { Platform } from "../../firmware/composition/platform.ts";
import type { Boot, SimDevice } from "./sim-device.ts";

const FREE_BYTES = 1_000_000_000;

/** Time is synchronised some time after the start, if it is at all: the calendar jumps to the right time then. */
function synchroniseLater(device: SimDevice, boot: Boot): void {
  const { calendar, time, record } = device.options;
  if (calendar.hasBattery || calendar.syncAfterUs === null) return;
  time.at(time.nowUs + calendar.syncAfterUs, 2, () => {
    if (!boot.steps.alive) return;
    const { clock } = boot;
    const byMs = calendar.trueWallMs(time.nowUs) - clock.rawWallMs();
    clock.jumpWall(byMs);
    clock.setTrust("trusted");
    record("time.sync", { byMs });
  });
}

export function simPlatform(device: SimDevice, boot: Boot): Platform {
  const { board, disk, entropy, network } = device.options;
  const { clock, steps } = boot;
  return {
    simulated: true,
    files: disk.openFiles(steps),
    entropy,
    user: "imud",
    kernelBootId: `power-${device.powerCycles}`,
    freeBytes: async () => disk.freeBytes ?? FREE_BYTES,
    heapHeadroom: () => 1,
    openStore: () => disk.openStore(steps, clock),
    openClock: ({ floorMs }) => {
      clock.setFloor(floorMs);
      if (clock.trust() === "unknown" && floorMs > 0) clock.setTrust("floor");
      synchroniseLater(device, boot);
      return clock;
    },
    openHardware: () => ({ hardware: board.hardware(steps, clock), greenhouse: null }),
    openBroker: async () => ({
      connect: network.connectFor(device.name, { clock, steps }),
      address: "mqtt://broker:1883",
      embedded: false,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}
