/** Alerts of this device: the newest ones for people, each in the ledger; the same one again at most once a minute. */
import { codeOf } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { ALERT_LIMITS } from "../core/limits.ts";
import type { LedgerWriter, Severity } from "../ledger/types.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";

export interface Alert {
  readonly code: string;
  readonly details: JsonObject;
  /** Wall ms. */
  readonly at: number;
}

interface Told {
  readonly key: string;
  readonly alert: Alert;
}

/** What an alert is about: two missing buses are two alerts, one bus that is asked for again is the same one. */
const ABOUT = ["resource", "output", "program", "about"] as const;
const keyOf = (code: string, details: JsonObject): string =>
  JSON.stringify([code, ...ABOUT.map((member) => details[member] ?? null)]);

export class Alerts {
  readonly #ledger: LedgerWriter;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #onAlert: (alert: Alert) => void;
  readonly #recent: Told[] = [];
  readonly #quietUntil = new Map<string, number>();
  #raised = 0;
  #count = 0;

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

  /** How many have been raised, repeated ones included. */
  get count(): number {
    return this.#count;
  }

  /** The newest last, each with what was last said of it. */
  get recent(): readonly Alert[] {
    return this.#recent.map(({ alert }) => alert);
  }

  /** Never throws and never waits: an alert must not stop what raised it. */
  raise(code: string, details: JsonObject, severity: Severity = "error"): void {
    this.#count++;
    const alert = { code, details, at: this.#clock.wallMs() };
    const key = keyOf(code, details);
    this.#remember(key, alert);
    const now = this.#clock.monoMs();
    if ((this.#quietUntil.get(key) ?? 0) > now) return;
    if (this.#quietUntil.size >= ALERT_LIMITS.keys) this.#quietUntil.clear();
    this.#quietUntil.set(key, now + ALERT_LIMITS.quietMs);
    this.#onAlert(alert);
    this.#log.warn("alert", { code, details });
    const alertId = `${code}/${alert.at}/${this.#raised++}`;
    const data = { alertId, name: code, level: severity, state: "raised", details };
    void this.#ledger
      .commit({ events: [{ kind: "alert", actor: "daemon", severity, data }], ops: [] })
      .catch((error: unknown) =>
        this.#log.error("ledger_append_failed", { kind: "alert", code: codeOf(error) }),
      );
  }

  /** A repeated alert takes the place of its earlier one, so that a flood of one kind hides no other. */
  #remember(key: string, alert: Alert): void {
    const at = this.#recent.findIndex((told) => told.key === key);
    if (at >= 0) this.#recent.splice(at, 1);
    this.#recent.push({ key, alert });
    if (this.#recent.length > ALERT_LIMITS.kept) this.#recent.shift();
  }
}
