/** What a loss of power leaves of a log (simulator.md 8). */
export interface PowerCutOptions {
  /** The last survivor that was not synced is damaged, found by its checksum and dropped whole. */
  readonly torn?: boolean;
  /** The disk had lied: the last so many batches that it reported as synced are lost, and all behind them. */
  readonly lyingTail?: number;
}

export interface LogLength {
  /** Batches in the log. */
  readonly written: number;
  /** Of them up to and with the last synced one. */
  readonly synced: number;
}

/**
 * How many batches are left, a prefix of the log: all synced ones plus floor(u·(n+1)) of the n behind them.
 * A log has no holes: where a disk lied about synced batches, nothing behind them is left either.
 * @param u 0 <= u < 1
 */
export function survivingBatches(log: LogLength, u: number, options: PowerCutOptions = {}): number {
  const { torn = false, lyingTail = 0 } = options;
  if (lyingTail > 0) return Math.max(0, log.synced - lyingTail);
  const unsynced = Math.floor(u * (log.written - log.synced + 1));
  return log.synced + (torn && unsynced > 0 ? unsynced - 1 : unsynced);
}
