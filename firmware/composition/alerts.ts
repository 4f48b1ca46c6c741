/** Alerts of this device: the newest ones for people, each in the ledger, repeated ones at most once a minute. */
import { codeOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import type { LedgerWriter, Severity } from "../ledger/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

export interface Alert {
  readonly code: string;
  readonly details: JsonObject;
  /** Wall ms. */
  readonly at: number;
}

const KEPT = 64;
const QUIET_MS = 60_000;
const MAX_CODES = 256;

export class Alerts {
  readonly #ledger: LedgerWriter;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onAlert: (alert: Alert) => void;
  readonly #recent: Alert[] = [];
  readonly #quietUntil = new Map<string, number>();

  constructor(parts: {
    readonly ledger: LedgerWriter;
    readonly clock: Clock;
    readonly log: Log;
    readonly onAlert: (alert: Alert) => void;
  }) {
    this.#ledger = parts.ledger;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#onAlert = parts.onAlert;
  }

  /** The newest last. */
  get recent(): readonly Alert[] {
    return [...this.#recent];
  }

  /** Never throws and never waits: an alert must not stop what raised it. */
  raise(code: string, details: JsonObject, severity: Severity = "error"): void {
    const alert = { code, details, at: this.#clock.wallMs() };
    this.#recent.push(alert);
    if (this.#recent.length > KEPT) this.#recent.shift();
    this.#onAlert(alert);
    const now = this.#clock.monoMs();
    if ((this.#quietUntil.get(code) ?? 0) > now) return;
    if (this.#quietUntil.size >= MAX_CODES) this.#quietUntil.clear();
    this.#quietUntil.set(code, now + QUIET_MS);
    this.#log.warn("alert", { code, details });
    const data = { alertId: `${code}/${alert.at}`, name: code, level: severity, state: "raised", details };
    void this.#ledger
      .commit({ events: [{ kind: "alert", actor: "daemon", severity, data }], ops: [] })
      .catch((error: unknown) =>
        this.#log.error("ledger_append_failed", { kind: "alert", code: codeOf(error) }),
      );
  }
}
