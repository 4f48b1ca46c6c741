import { RASPBERRY_PI_OS, raspberryPi4 } from "./raspberry-pi.ts";
import type { BoardDefinition } from "./types.ts";

/** The simulated board: a 40-pin header under a label no kernel uses, so that it cannot match a real chip. */
export const simBoard: BoardDefinition = {
  ...raspberryPi4,
  id: "sim",
  title: "Simulated board",
  chips: [{ name: "gpiochip0", label: "pinctrl-sim", lines: 58 }],
  serial: [{ port: "ttyAMA0", node: "/dev/ttyAMA0" }],
  remedies: RASPBERRY_PI_OS,
};
