/**
 * Tells the site and the operator that the door moved.
 *
 * The edge only starts the run: a switch bounces, so the program reads the line again and reports what it finds.
 */
import { gpio, mqtt, type Program, shared } from "imu";

export const program = {
  name: "door-alarm",
  version: "1.0.0",
  description: "On every change of the door switch: reads it again, tells the fleet and publishes an event.",
  outputs: ["event_door"],
  triggers: [{ on: "gpio", line: "door", edge: "both", debounceMs: 20 }],
  limits: { cpuSteps: 500, memKb: 32, ioCalls: 4, wallMs: 2000 },
  // Two edges in a row are two events.
  overlap: "queue",
} satisfies Program;

export function main(): void {
  const open = gpio.read("door").value;
  shared.put("alert.door", { open });
  mqtt.publish("event_door", { open }, { qos: 1 });
}
