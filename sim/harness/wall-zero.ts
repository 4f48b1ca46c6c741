/** Wall ms at true time 0 of every simulation: 14 November 2023, 22:13:20 UTC. */
export const WALL_ZERO_MS = 1_700_000_000_000;
