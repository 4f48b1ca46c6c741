import { driven, state } from "../cell.ts";
import { thermalStep } from "../thermal.ts";
import { type NodeKind, numberOf } from "./node.ts";

/**
 * A lumped body (simulator.md 6): t in °C, C in J/K, G in W/K, P in W, ambient in °C. `heater` 0..1 switches P (negative
 * P cools); `vent` 0..1 adds `Gvent` W/K to the exchange with the ambient, as a fan or an open door does; `gain` is
 * heat in W from elsewhere, such as the sun. `rh` in % is what it is driven to: only a room computes it.
 */
export const thermalKind: NodeKind = {
  values: { t: null, C: null, G: null, P: 0, ambient: 20, Gvent: 0, gain: 0, rh: 50 },
  drivable: ["ambient", "gain", "G", "P", "rh", "heater", "vent"],
  fields: ["heater", "vent"],
  create(values) {
    const t = state(numberOf(values, "t"));
    const [C, G] = [driven(numberOf(values, "C")), driven(numberOf(values, "G"))];
    const [P, ambient] = [driven(numberOf(values, "P")), driven(numberOf(values, "ambient"))];
    const [Gvent, gain] = [driven(numberOf(values, "Gvent")), driven(numberOf(values, "gain"))];
    const [rh, heater, vent] = [driven(numberOf(values, "rh")), driven(0), driven(0)];
    return {
      cells: { t, C, G, P, ambient, Gvent, gain, rh, heater, vent },
      inputs: ["heater", "vent"],
      step({ dtS }) {
        // The rule for P·u watts: what comes from elsewhere is part of that heat.
        const heat = P.value * heater.value + gain.value;
        const node = {
          t: t.value,
          C: C.value,
          G: G.value + Gvent.value * vent.value,
          P: heat,
          ambient: ambient.value,
        };
        t.value = thermalStep(node, 1, dtS);
      },
    };
  },
};
