import { clamp, derived, driven, state } from "../cell.ts";
import { type NodeKind, numberOf } from "./node.ts";

/** Below this a Raspberry Pi reports undervoltage (simulator.md 3). */
export const BROWN_OUT_V = 4.63;

/** Output in V by state of charge of a 5.1 V supply behind a converter: flat, then it falls fast. */
const VOLTS: readonly (readonly [soc: number, v: number])[] = [
  [0, 4.2],
  [0.05, 4.63],
  [0.1, 4.8],
  [0.2, 4.95],
  [0.5, 5.05],
  [1, 5.15],
];

/** Volts of the table, in straight lines between its points. */
export function supplyVolts(soc: number): number {
  let [fromSoc, fromV] = VOLTS[0] ?? [0, 0];
  for (const [toSoc, toV] of VOLTS) {
    if (soc <= toSoc)
      return toSoc === fromSoc ? toV : fromV + ((toV - fromV) * (soc - fromSoc)) / (toSoc - fromSoc);
    [fromSoc, fromV] = [toSoc, toV];
  }
  return fromV;
}

/** State of charge after a step: soc + dt·(solar − load)/(3600·Ah), within 0..1 (simulator.md 6). */
export function supplyStep(
  supply: {
    readonly soc: number;
    readonly capacityAh: number;
    readonly loadA: number;
    readonly solarA: number;
  },
  dtS: number,
): number {
  const { soc, capacityAh, loadA, solarA } = supply;
  return clamp(soc + (dtS * (solarA - loadA)) / (3600 * capacityAh), 0, 1);
}

/** A battery: load and solar in A; `draw` adds what actuators take, `brownout` is 1 below 4.63 V. */
export const supplyKind: NodeKind = {
  values: { soc: null, capacityAh: null, load: 0, solar: 0 },
  drivable: ["load", "solar", "draw"],
  fields: ["v", "brownout", "draw"],
  create(values) {
    const soc = state(numberOf(values, "soc"));
    const [capacityAh, load] = [driven(numberOf(values, "capacityAh")), driven(numberOf(values, "load"))];
    const [solar, draw] = [driven(numberOf(values, "solar")), driven(0)];
    const v = derived(supplyVolts(soc.value));
    const brownout = derived(v.value < BROWN_OUT_V ? 1 : 0);
    return {
      cells: { soc, capacityAh, load, solar, draw, v, brownout },
      inputs: ["draw"],
      step({ dtS }) {
        const now = {
          soc: soc.value,
          capacityAh: capacityAh.value,
          loadA: load.value + draw.value,
          solarA: solar.value,
        };
        soc.value = supplyStep(now, dtS);
        v.value = supplyVolts(soc.value);
        brownout.value = v.value < BROWN_OUT_V ? 1 : 0;
      },
    };
  },
};
