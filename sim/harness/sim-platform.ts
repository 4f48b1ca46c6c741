/** The platform of one life of a simulated device: the real daemon's composition over simulated parts. */
import type { Platform } from "../../firmware/composition/platform.ts";
import { watchHardware } from "./invariants/watched-hardware.ts";
import { ObservedStore } from "./observed-store.ts";
import type { Boot, SimDevice } from "./sim-device.ts";

/** Time is synchronised some time after the start, if it is at all: the calendar jumps to the right time then. */
function synchroniseLater(device: SimDevice, boot: Boot): void {
  const { calendar, time } = device.options;
  if (calendar.hasBattery || calendar.syncAfterUs === null) return;
  time.at(time.nowUs + calendar.syncAfterUs, 2, () => {
    if (!boot.steps.alive) return;
    device.synchronise();
  });
}

export function simPlatform(device: SimDevice, boot: Boot): Platform {
  const { board, disk, entropy, network } = device.options;
  const { clock, steps } = boot;
  return {
    simulated: true,
    files: disk.openFiles(steps, clock),
    entropy,
    user: "imud",
    kernelBootId: `power-${device.powerCycles}`,
    freeBytes: async () => disk.freeBytes,
    heapHeadroom: () => 1,
    openStore: async () =>
      new ObservedStore(await disk.openStore(steps, clock), {
        onEntry: (entry) => device.options.onEntry(entry),
        onRow: (row) => device.options.onRow(row),
        onSync: () => device.options.onSync(),
      }),
    openClock: ({ floorMs }) => {
      clock.setFloor(floorMs);
      if (clock.trust() === "unknown" && floorMs > 0) clock.setTrust("floor");
      synchroniseLater(device, boot);
      return clock;
    },
    openHardware: () => ({
      hardware: watchHardware(board.hardware(steps, clock), (path) => device.options.onRead(path)),
      greenhouse: null,
    }),
    openBroker: async () => ({
      connect: network.connectFor(device.name, { clock, steps, frozenUntilUs: () => device.frozenUntilUs }),
      address: "mqtt://broker:1883",
      embedded: false,
      [Symbol.asyncDispose]: async () => undefined,
    }),
  };
}
