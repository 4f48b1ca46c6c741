/** What the processes of their own answer; apart from them, as they import peers that a reader of figures need not have. */
export interface Delays {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export interface HeapFigures {
  /** Bytes of the real heap per instance. */
  readonly heapBytes: number;
  /** Bytes of the memory model per instance; null where there is none. */
  readonly chargedBytes: number | null;
}
