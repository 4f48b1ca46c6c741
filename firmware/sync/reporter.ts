/** Counts what goes wrong and reports it without flooding: the first of a kind at once, then a count per minute. */
import type { JsonObject } from "../core/json.ts";
import { SYNC_LIMITS } from "../core/limits.ts";
import type { Clock } from "../ports/clock.ts";

/** Becomes a ledger entry in the composition root. */
export interface SyncEvent {
  readonly kind:
    | "inbound_rejected"
    | "peer_equivocation"
    | "peer_excluded"
    | "peer_readmitted"
    | "peer_muted"
    | "own_chain_behind"
    | "roster_changed";
  readonly severity: "info" | "warn" | "error";
  readonly data: JsonObject;
}

export class Reporter {
  readonly #clock: Clock;
  readonly #onEvent: (event: SyncEvent) => void;
  readonly #counts = new Map<string, number>();
  #window = { until: 0, told: 0, suppressed: 0 };
  readonly #recent = new Map<string, { until: number; suppressed: number }>();

  constructor(clock: Clock, onEvent: (event: SyncEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  count(name: string, by = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }

  counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  event(event: SyncEvent): void {
    this.#onEvent(event);
  }

  /** A message from outside was not accepted. */
  rejected(sender: string, code: string, details: JsonObject = {}): void {
    this.count(`dropped:${code}`);
    const key = `${sender}\n${code}`;
    const now = this.#clock.monoMs();
    const known = this.#recent.get(key);
    if (known && known.until > now) {
      known.suppressed++;
      return;
    }
    if (this.#window.until <= now)
      this.#window = { until: now + SYNC_LIMITS.quietMs, told: 0, suppressed: this.#window.suppressed };
    if (this.#window.told >= SYNC_LIMITS.rejectionsTold) {
      this.#window.suppressed++;
      return;
    }
    this.#window.told++;
    const others = this.#window.suppressed;
    this.#window.suppressed = 0;
    if (this.#recent.size >= SYNC_LIMITS.rejectionKeys) this.#recent.clear();
    this.#recent.set(key, { until: now + SYNC_LIMITS.quietMs, suppressed: 0 });
    const data = { channel: "gossip", sender, code, repeated: known?.suppressed ?? 0, others, ...details };
    this.#onEvent({ kind: "inbound_rejected", severity: "warn", data });
  }
}
