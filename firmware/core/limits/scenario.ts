/** Bounds of scenario files and of what they expand to (simulator.md 10). */
export const SCENARIO_LIMITS = Object.freeze({
  /** Bytes of a scenario file: a recorded incident has long schedules. */
  textBytes: 4 * 1024 * 1024,
  /** Devices of all groups together: every one is a whole daemon in one process. */
  devices: 1000,
  /** Nodes of the world, one for each device counted singly. */
  nodes: 10_000,
  /** Runs that seeds and grids may expand to. */
  runs: 100_000,
  /** Characters of an expression (homeostasis.md 3). */
  expressionCharacters: 256,
  /** Levels of an expression: parentheses, `not`, minus, branches and arguments (homeostasis.md 3). */
  expressionDepth: 16,
  /** Nodes of an expression's tree (homeostasis.md 3). */
  expressionNodes: 64,
});
