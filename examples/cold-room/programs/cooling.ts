/**
 * Keeps a cold room between two and eight degrees, and raises an alarm before it gets too warm.
 *
 * The compressor runs from six degrees down to four. It is protected by its policy, which limits how often it may be
 * switched. If the sensor fails, the run ends and the compressor goes to its safe state.
 */
import { asNumber, gpio, mqtt, type Program, sensor } from "imu";

export const program = {
  name: "cooling",
  version: "1.0.0",
  description:
    "Every five seconds: runs the compressor from 6 degrees down to 4, publishes the air, and an alarm above 7.5.",
  outputs: ["compressor", "telemetry_air", "alarm_temperature"],
  triggers: [{ on: "interval", everyMs: 5000 }],
  limits: { cpuSteps: 1000, memKb: 32, ioCalls: 8, wallMs: 3000 },
} satisfies Program;

/** Degrees Celsius. */
const WARM = 6;
const COLD = 4;
const ALARM = 7.5;

export function main(): void {
  // The evidence for the compressor.
  const celsius = asNumber(sensor.read("air_temperature").value);
  const percent = sensor.read("air_humidity").value;
  if (celsius > WARM) gpio.write("compressor", 1);
  else if (celsius < COLD) gpio.write("compressor", 0);
  mqtt.publish("telemetry_air", { temperature: celsius, humidity: percent }, { qos: 1 });
  if (celsius > ALARM) mqtt.publish("alarm_temperature", { temperature: celsius, limit: ALARM }, { qos: 1 });
}
