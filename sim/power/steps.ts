/**
 * The numbered steps of one boot of a simulated device (simulator.md 9): each effect announces itself with a label,
 * and a cut may strike before it, during it or after it.
 */
export type CutPoint = "before" | "during" | "after";

export interface Steps {
  /** False once this boot has ended: whatever still runs of it may not change the world any more. */
  readonly alive: boolean;
  /**
   * One effect. Gives what `work` gives; if the device loses power here, the promise never settles.
   * @param label for example `store.batch`, `gpio.write:17`, `i2c.write:1:0x44`, `mqtt.publish`.
   * @param partly what has reached the outside when the cut strikes during the step; nothing if left out.
   */
  take<T>(label: string, work: () => T | Promise<T>, partly?: () => void): Promise<T>;
}

/** Steps of parts that no cut reaches: hardware of the demonstration, models under test. */
export const UNCUT: Steps = {
  alive: true,
  take: async (_label, work) => work(),
};
