/** The service manager that expects signs of life (systemd `sd_notify`). */
export interface Watchdog {
  /** Interval in ms at which `ping` is expected, null without a watchdog. */
  readonly intervalMs: number | null;
  ready(): Promise<void>;
  stopping(): Promise<void>;
  ping(): Promise<void>;
}
