/** The host's event loop, for those who must know that everything begun has come to rest. */

/** Resolves after one turn: all promises that can settle without I/O or timers have settled then. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
