/**
 * The only way to know or wait for time. `wallMs` is for records, `monoMs` for durations and rates
 * (DESIGN 4, "Trusted time").
 */
export type TimeTrust = "unknown" | "floor" | "trusted";

export interface Timer extends Disposable {
  /** Idempotent; a cancelled timer never fires. */
  cancel(): void;
}

export interface Clock {
  /** Integer milliseconds since the Unix epoch; never below the persisted time floor. */
  wallMs(): number;
  /** Milliseconds since this boot, with fractions where the platform has them. Never goes back. */
  monoMs(): number;
  /** 16 hex characters, new at every boot of the daemon. */
  readonly bootId: string;
  /** `trusted` after NTP or signed fleet time, `floor` when only the stored floor is known. */
  trust(): TimeTrust;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls once after `ms`. */
  after(ms: number, callback: () => void): Timer;
  /** Gives the host's event loop one turn, so that I/O and other runs proceed. */
  yield(): Promise<void>;
}
