/** What the processes of this suite print. */

/** One round: a stretch of simulated time. */
export interface Stretch {
  readonly simulatedS: number;
  /** Of the whole process, the engine's own threads among it. */
  readonly cpuMs: number;
  readonly wallMs: number;
  readonly events: number;
}

export interface RunFigures {
  readonly devices: number;
  readonly stretches: readonly Stretch[];
  /** Devices that run at the end; all of them, if all is well. */
  readonly running: number;
  readonly records: number;
  readonly traceHash: string;
}

export interface MemoryFigures {
  readonly devices: number;
  /** The collected heap and what lies outside of it. */
  readonly bytes: number;
}

/** Per second, of what a simulated event cannot go below. */
export interface LimitFigures {
  readonly setImmediate: number;
  readonly queue: number;
  readonly emptyEvents: number;
  readonly traceRecords: number;
  readonly sha256: number;
}
