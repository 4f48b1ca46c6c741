/** Trickle (RFC 6206) as sync.md 4.4 sets it: when to send a digest. */
export interface TrickleConfig {
  readonly iminMs: number;
  readonly doublings: number;
  /** Equal summaries that silence an interval. */
  readonly k: number;
}

export const TRICKLE: TrickleConfig = { iminMs: 4_000, doublings: 6, k: 3 };

/** The interval after this one has ended. */
export const nextIntervalMs = (config: TrickleConfig, intervalMs: number): number =>
  Math.min(intervalMs * 2, config.iminMs * 2 ** config.doublings);

/** After an inconsistent digest the interval is the smallest again. */
export const resetIntervalMs = (config: TrickleConfig): number => config.iminMs;

/** The time of sending within an interval: uniform in [I/2, I). */
export const sendAtMs = (intervalMs: number, draw: number): number =>
  Math.floor(intervalMs / 2 + draw * (intervalMs / 2));

export const shouldTransmit = (config: TrickleConfig, consistentHeard: number): boolean =>
  consistentHeard < config.k;
