/**
 * Keeps the air near a set-point that all devices of the site share.
 *
 * The fan switches half a degree above and below it. Every second the air is published, whether the fan moved or not.
 */
import { asNumber, gpio, mqtt, type Program, sensor, shared } from "imu";

export const program = {
  name: "climate",
  version: "1.0.0",
  description:
    "Keeps the air near the shared set-point: reads the BME280, switches the fan with half a degree of hysteresis.",
  outputs: ["fan", "telemetry_air"],
  triggers: [{ on: "interval", everyMs: 1000 }],
  limits: { cpuSteps: 2000, memKb: 64, ioCalls: 8, wallMs: 3000 },
} satisfies Program;

/** Degrees Celsius. */
const DEFAULT_SET_POINT = 25;
const HYSTERESIS = 0.5;

export function main(): void {
  // The evidence for the fan.
  const celsius = asNumber(sensor.read("air_temperature").value);
  const percent = sensor.read("air_humidity").value;
  const target = setPoint();
  const excess = celsius - target;
  if (excess > HYSTERESIS) gpio.write("fan", 1);
  else if (excess < -HYSTERESIS) gpio.write("fan", 0);
  mqtt.publish("telemetry_air", { temperature: celsius, humidity: percent, setPoint: target }, { qos: 1 });
}

/** What the site agreed on, from the local copy: no network is needed. */
function setPoint(): number {
  const agreed = shared.get("climate.set_point");
  return agreed.found ? asNumber(agreed.value) : DEFAULT_SET_POINT;
}
