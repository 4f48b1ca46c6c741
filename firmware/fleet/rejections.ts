/** Refused messages, counted and told to the ledger once a minute, so that a flood cannot fill it (evidence.md 12). */
import { messageOf } from "../core/errors.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import type { Clock, Timer } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Committer } from "./committer.ts";

const WINDOW_MS = 60_000;

export class Rejections implements AsyncDisposable {
  readonly #options: { readonly clock: Clock; readonly committer: Committer; readonly log: Log };
  readonly #totals = new Map<string, number>();
  #window = new Map<string, { readonly peer: string; readonly reason: string; count: number }>();
  #timer: Timer | null = null;
  #writing: Promise<void> | null = null;

  constructor(options: { readonly clock: Clock; readonly committer: Committer; readonly log: Log }) {
    this.#options = options;
  }

  /** Refusals since the start, by reason. */
  get totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  /** Counts a refusal that has a ledger entry of its own. */
  tally(reason: string): void {
    this.#totals.set(reason, (this.#totals.get(reason) ?? 0) + 1);
  }

  /** Counts a refusal for the minute's summary. */
  count(peer: string, reason: string): void {
    this.tally(reason);
    const key = `${peer} ${reason}`;
    const known = this.#window.get(key);
    if (known) known.count++;
    else if (this.#window.size < COMMAND_LIMITS.rejectionPairs)
      this.#window.set(key, { peer, reason, count: 1 });
    this.#timer ??= this.#options.clock.after(WINDOW_MS, () => {
      this.#timer = null;
      this.#writing = this.#write();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    const rows = [...this.#window.values()];
    if (rows.length === 0) return;
    this.#window = new Map();
    try {
      await this.#options.committer.commit({
        events: rows.map(({ peer, reason, count }) => ({
          kind: "inbound_rejected",
          actor: "fleet",
          severity: "warn",
          data: { peer, reason, count },
        })),
        ops: [],
      });
    } catch (error) {
      this.#options.log.error("inbound_rejected_unrecorded", {
        rows: rows.length,
        problem: messageOf(error),
      });
    }
  }
}
