/**
 * Waters the soil, and is honest about not knowing.
 *
 * Below 35 percent the pump runs, above 45 it stops, in between it stays as it is. If the probe fails, the program asks
 * for water all the same: the guard refuses that for want of evidence, the pump stays safe, and the ledger tells why.
 */
import { asNumber, gpio, type Json, kv, type Program, sensor } from "imu";

export const program = {
  name: "irrigation",
  version: "1.0.0",
  description:
    "Every five seconds: waters while the soil is below 35 percent, stops above 45. If the probe fails it asks for water all the same, and the guard refuses that for want of evidence.",
  outputs: ["pump"],
  triggers: [{ on: "interval", everyMs: 5000 }],
  limits: { cpuSteps: 2000, memKb: 64, ioCalls: 8, wallMs: 3000 },
} satisfies Program;

/** Percent of soil moisture, as far apart as the soil takes to soak it up: the pump does not flutter. */
const DRY = 35;
const WET = 45;

export function main(): void {
  let soil: Json;
  try {
    // The evidence for everything below: without it the guard lets nobody switch the pump on.
    soil = sensor.read("soil_moisture").value;
  } catch {
    waterBlindly();
    return;
  }
  const moisture = asNumber(soil);
  if (moisture < DRY) {
    gpio.write("pump", 1);
    countWatering();
  } else if (moisture > WET) gpio.write("pump", 0);
}

/** Refused, always: this run has no evidence. The refusal is recorded, and the pump is driven to its safe state. */
function waterBlindly(): void {
  try {
    gpio.write("pump", 1);
  } catch {
    // Nothing to do here: the device has done it.
  }
}

/** Kept across runs and restarts. */
function countWatering(): void {
  const row = kv.get("waterings");
  const before = row.found ? asNumber(row.value) : 0;
  kv.put("waterings", before + 1);
}
