/** One number of the world under a name such as `tank1.level`: a state, a parameter or an input of a node. */
export interface Cell {
  value: number;
  /**
   * `state` is integrated and may be set to go on from there; `derived` is computed anew in every step;
   * `driven` is a parameter or an input, constant unless something drives it.
   */
  readonly role: "state" | "derived" | "driven";
  /** Above zero means that something has gone wrong in the world, for example water on the floor. */
  readonly alarm: boolean;
}

export const state = (value: number): Cell => ({ value, role: "state", alarm: false });
export const derived = (value: number): Cell => ({ value, role: "derived", alarm: false });
export const driven = (value: number): Cell => ({ value, role: "driven", alarm: false });
/** A state that only grows, and should stay at zero. */
export const alarm = (): Cell => ({ value: 0, role: "state", alarm: true });

export const clamp = (x: number, low: number, high: number): number => Math.max(low, Math.min(high, x));
