/**
 * Tells when the door opens and closes, and when it was forgotten.
 *
 * The edge only starts the run: a contact bounces, so the program reads the line again. Every ten seconds it looks once
 * more, and counts how often in a row the door was open: the sixth time it raises an alarm, once.
 */
import { asNumber, gpio, kv, mqtt, type Program, trigger } from "imu";

export const program = {
  name: "door-watch",
  version: "1.0.0",
  description: "On every change of the door contact: publishes it. Raises an alarm once it has been open for a minute.",
  outputs: ["event_door", "alarm_door"],
  triggers: [
    { on: "gpio", line: "door", edge: "both", debounceMs: 20 },
    { on: "interval", everyMs: 10000 },
  ],
  limits: { cpuSteps: 500, memKb: 32, ioCalls: 6, wallMs: 2000 },
  // Two edges in a row are two events.
  overlap: "queue",
} satisfies Program;

const LOOKS = 6;
const LOOK_S = 10;

export function main(): void {
  const open = gpio.read("door").value;
  if (trigger.kind === "gpio") mqtt.publish("event_door", { open }, { qos: 1 });
  else countLooks(open === 1);
}

/** How often in a row it was open, kept across runs. */
function countLooks(open: boolean): void {
  const row = kv.get("looks");
  const before = row.found ? asNumber(row.value) : 0;
  const looks = open ? before + 1 : 0;
  if (looks !== before) kv.put("looks", looks);
  if (looks === LOOKS) mqtt.publish("alarm_door", { openForS: LOOKS * LOOK_S }, { qos: 1 });
}
