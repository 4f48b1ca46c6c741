import type { QuantityFaults } from "./quantity-faults.ts";

/** A physical quantity as a sensor meets it at a true time in µs, in the unit of the sensor. */
export type Quantity = (atUs: number) => number;

export interface QuantityOptions {
  /** Default 1. */
  readonly gain?: number;
  /** Added after the gain; default 0. */
  readonly offset?: number;
  /** From the world to the sensor, in whole steps, rounded up; default 0. */
  readonly delayUs?: number;
  /** What is wrong with the sensor. */
  readonly faults?: QuantityFaults;
}

/** A quantity that does not change, for what nothing is wired to. */
export const constantQuantity =
  (value: number): Quantity =>
  () =>
    value;
