/**
 * A process of its own that simulates one fleet. Prints one `RunFigures`.
 * Arguments: program, devices, seconds of warm-up, seconds of one stretch, stretches; all of simulated time.
 */
import type { RunFigures, Stretch } from "./figures.ts";
import { newFleet, runningOf } from "./fleet.ts";

async function main([name = "none", devices = "1", warmup = "60", seconds = "60", count = "5"]: string[]) {
  const sim = await newFleet(name, Number(devices));
  await sim.run(`${Number(warmup)}s`);
  const stretches: Stretch[] = [];
  for (let i = 0; i < Number(count); i++) {
    globalThis.gc?.();
    const events = sim.time.taken;
    const cpu = process.cpuUsage();
    const startedAt = performance.now();
    await sim.run(`${Number(seconds)}s`);
    const { user, system } = process.cpuUsage(cpu);
    stretches.push({
      simulatedS: Number(seconds),
      cpuMs: (user + system) / 1000,
      wallMs: performance.now() - startedAt,
      events: sim.time.taken - events,
    });
  }
  const { traceHash, records } = await sim.end();
  const figures: RunFigures = {
    devices: Number(devices),
    stretches,
    running: runningOf(sim),
    records,
    traceHash,
  };
  process.stdout.write(JSON.stringify(figures));
}

await main(process.argv.slice(2));
