import { clamp, driven, state } from "../cell.ts";
import { type NodeKind, numberOf } from "./node.ts";
import { thermalKind } from "./thermal-node.ts";

const HOUR_S = 3600;
/** Heat of one person at rest (EN ISO 7730, sedentary activity), W. */
const PERSON_W = 100;
/** Carbon dioxide of one person at rest, m³/s (ASTM D6245: about 0.005 l/s). */
const PERSON_CO2 = 5e-6;

/**
 * A thermal node with people in it (simulator.md 6): rh in % relaxes to `ambientRh` with one hour; co2 in ppm rises by
 * `occupancy` persons and is exchanged `airChanges` times an hour. `mist` 0..1 adds `mistRate` % of rh a second.
 */
export const roomKind: NodeKind = {
  values: {
    ...thermalKind.values,
    rh: 50,
    ambientRh: 50,
    co2: 420,
    ambientCo2: 420,
    volume: 50,
    airChanges: 0.5,
    occupancy: 0,
    mistRate: 0,
  },
  drivable: [
    ...thermalKind.drivable.filter((name) => name !== "rh"),
    "ambientRh",
    "ambientCo2",
    "airChanges",
    "occupancy",
    "mist",
  ],
  fields: [...thermalKind.fields, "mist"],
  create(values, entropy) {
    const thermal = thermalKind.create(values, entropy);
    const [rh, co2] = [state(numberOf(values, "rh")), state(numberOf(values, "co2"))];
    const [ambientRh, ambientCo2] = [
      driven(numberOf(values, "ambientRh")),
      driven(numberOf(values, "ambientCo2")),
    ];
    const [volume, airChanges] = [driven(numberOf(values, "volume")), driven(numberOf(values, "airChanges"))];
    const [occupancy, mistRate] = [
      driven(numberOf(values, "occupancy")),
      driven(numberOf(values, "mistRate")),
    ];
    const mist = driven(0);
    const { t, C } = thermal.cells;
    if (!t || !C) throw new Error("a room is a thermal node");
    return {
      cells: {
        ...thermal.cells,
        rh,
        ambientRh,
        co2,
        ambientCo2,
        volume,
        airChanges,
        occupancy,
        mistRate,
        mist,
      },
      inputs: [...thermal.inputs, "mist"],
      step(time) {
        const { dtS } = time;
        thermal.step(time);
        t.value += (dtS / C.value) * PERSON_W * occupancy.value;
        const relaxed = rh.value + (dtS / HOUR_S) * (ambientRh.value - rh.value);
        rh.value = clamp(relaxed + dtS * mistRate.value * mist.value, 0, 100);
        const exhaled = (occupancy.value * PERSON_CO2 * 1e6) / volume.value;
        const exchanged = (airChanges.value / HOUR_S) * (ambientCo2.value - co2.value);
        co2.value += dtS * (exhaled + exchanged);
      },
    };
  },
};
