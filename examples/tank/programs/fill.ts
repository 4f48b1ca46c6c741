/**
 * Keeps a tank between 60 and 80 centimetres, and never lets it run over.
 *
 * The probe says how full it is. The float switch near the brim is a second witness: whatever the probe says, the pump
 * stops when the float is up. If the probe fails, the run ends and the device drives the pump to its safe state.
 */
import { asNumber, gpio, mqtt, type Program, sensor } from "imu";

export const program = {
  name: "fill",
  version: "1.0.0",
  description:
    "Every two seconds: pumps below 0.6 m, stops above 0.8 m or when the float switch is up, and publishes the level.",
  outputs: ["pump", "telemetry_tank"],
  triggers: [{ on: "interval", everyMs: 2000 }],
  limits: { cpuSteps: 1000, memKb: 32, ioCalls: 6, wallMs: 2000 },
} satisfies Program;

/** Metres. Far enough apart that the pump runs for ten seconds at a time, not for one. */
const LOW = 0.6;
const HIGH = 0.8;

export function main(): void {
  // The evidence for the pump.
  const level = asNumber(sensor.read("level").value);
  const full = gpio.read("float").value;
  if (full === 1 || level > HIGH) gpio.write("pump", 0);
  else if (level < LOW) gpio.write("pump", 1);
  mqtt.publish("telemetry_tank", { level, full }, { qos: 1 });
}
