/** The only source of randomness. Real: the operating system. Simulated: one seeded stream per device. */
export interface Entropy {
  bytes(length: number): Uint8Array;
  /** A uniform integer 0 <= n < bound, bound 1..2^32. */
  below(bound: number): number;
  /** A uniform number in [0, 1). */
  float(): number;
}
