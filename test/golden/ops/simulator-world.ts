import { deviceIds } from "../../../sim/scenario/device-ids.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { bandsAt } from "../../../sim/world/nodes/bands.ts";
import { daylight } from "../../../sim/world/nodes/light.ts";
import { tankStep } from "../../../sim/world/nodes/tank.ts";
import type { Given, OpModule } from "../registry.ts";

/** Vectors are written with a few decimals. */
const rounded = (value: number, decimals: number): number =>
  Math.round(value * 10 ** decimals) / 10 ** decimals;

function tank(given: Given) {
  let { level } = given.state;
  let overflowM3 = given.state.overflow ?? 0;
  const levels = Array.from({ length: given.steps }, () => {
    const next = tankStep(
      { ...given.state, level },
      Number(given.pump),
      Number(given.valve),
      given.dtMs / 1000,
    );
    level = next.level;
    overflowM3 += next.overflowM3;
    return level;
  });
  return { level: levels, overflowM3 };
}

function bands(given: Given) {
  const entropy = new SeededEntropy(given.seed ?? "", given.stream ?? "world:bands");
  const samples = given.seconds.map((t: number) => {
    const { phase, entropy: spread, creative, risk } = bandsAt(t, given.noise, entropy);
    return {
      phase: rounded(phase, 6),
      entropy: rounded(spread, 6),
      creative: rounded(creative, 6),
      risk: rounded(risk, 6),
    };
  });
  return { samples };
}

function ids(given: Given) {
  const all = deviceIds(given.prefix, given.count);
  return { ids: given.show ? given.show.map((index: number) => all[index]) : all };
}

export const modules: readonly OpModule[] = [
  {
    area: "simulator",
    ops: {
      "world.tank": tank,
      "world.light": (given) => ({
        lux: given.hours.map((hour: number) => rounded(daylight(given.peakLux, hour), 3)),
      }),
      "world.bands": bands,
      "scenario.ids": ids,
    },
  },
];
