/**
 * A process of its own that holds a fleet without programs. Prints one `MemoryFigures`.
 * Arguments: devices, seconds of simulated time before it is weighed.
 */
import type { MemoryFigures } from "./figures.ts";
import { newFleet, runningOf } from "./fleet.ts";

async function main([devices = "1", seconds = "600"]: string[]) {
  const sim = await newFleet("none", Number(devices));
  await sim.run(`${Number(seconds)}s`);
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  if (runningOf(sim) !== Number(devices)) throw new Error("Not all devices run.");
  const figures: MemoryFigures = { devices: Number(devices), bytes: heapUsed + external };
  process.stdout.write(JSON.stringify(figures));
}

await main(process.argv.slice(2));
