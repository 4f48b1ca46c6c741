/** A lumped thermal node (simulator.md 6). */
export interface ThermalNode {
  /** Temperature in °C. */
  readonly t: number;
  readonly ambient: number;
  /** Heat capacity in J/K. */
  readonly C: number;
  /** Conductance to ambient in W/K. */
  readonly G: number;
  /** Power at full input in W; negative cools. */
  readonly P: number;
}

/** Temperature after one step: t + dt/C·(P·u + G·(ambient − t)). @param u input 0..1 */
export function thermalStep(node: ThermalNode, u: number, dtS: number): number {
  return node.t + (dtS / node.C) * (node.P * u + node.G * (node.ambient - node.t));
}
