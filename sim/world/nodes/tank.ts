import { alarm, derived, driven, state } from "../cell.ts";
import { type NodeKind, numberOf } from "./node.ts";

export interface Tank {
  /** m. */
  readonly level: number;
  readonly height: number;
  /** m². */
  readonly area: number;
  /** m³/s with the pump fully on. */
  readonly qIn: number;
  /** m³/s with the valve fully open. */
  readonly qOut: number;
  /** m³/s. */
  readonly leak: number;
}

export interface TankStep {
  readonly level: number;
  /** m³ that ran over in this step. */
  readonly overflowM3: number;
}

/** level += dt·(qIn·pump − qOut·valve − leak)/area, within 0..height; what is above runs over (simulator.md 6). */
export function tankStep(tank: Tank, pump: number, valve: number, dtS: number): TankStep {
  const flow = tank.qIn * pump - tank.qOut * valve - tank.leak;
  const level = tank.level + (dtS * flow) / tank.area;
  if (level > tank.height) return { level: tank.height, overflowM3: (level - tank.height) * tank.area };
  return { level: Math.max(0, level), overflowM3: 0 };
}

/** A tank with a pump and a valve; `overflow` is what ran over in m³, `fraction` is level/height. */
export const tankKind: NodeKind = {
  values: { level: null, height: null, area: null, qIn: 0, qOut: 0, leak: 0 },
  drivable: ["qIn", "qOut", "leak", "pump", "valve"],
  fields: ["pump", "valve", "overflow", "fraction"],
  create(values) {
    const level = state(numberOf(values, "level"));
    const [height, area] = [driven(numberOf(values, "height")), driven(numberOf(values, "area"))];
    const [qIn, qOut] = [driven(numberOf(values, "qIn")), driven(numberOf(values, "qOut"))];
    const [leak, pump, valve] = [driven(numberOf(values, "leak")), driven(0), driven(0)];
    const overflow = alarm();
    const fraction = derived(level.value / height.value);
    return {
      cells: { level, height, area, qIn, qOut, leak, pump, valve, overflow, fraction },
      inputs: ["pump", "valve"],
      step({ dtS }) {
        const tank = {
          level: level.value,
          height: height.value,
          area: area.value,
          qIn: qIn.value,
          qOut: qOut.value,
          leak: leak.value,
        };
        const next = tankStep(tank, pump.value, valve.value, dtS);
        level.value = next.level;
        overflow.value += next.overflowM3;
        fraction.value = next.level / height.value;
      },
    };
  },
};
