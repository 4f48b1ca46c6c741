/** Takes batches from the network into the replica, holding those that are early (sync.md 4.3). */
import type { Clock } from "../ports/clock.ts";
import type { StoreOp } from "../ports/store.ts";
import type { SignedBatch } from "./batch.ts";
import { HeldBatches } from "./held.ts";
import { parseStamp } from "./hlc.ts";
import type { HybridClock } from "./hybrid-clock.ts";
import type { PullPlanner } from "./pull-planner.ts";
import type { ForkProof, Replica } from "./replica.ts";
import type { Reporter } from "./reporter.ts";

export interface Received {
  readonly ops: readonly StoreOp[];
  readonly proofs: readonly ForkProof[];
  /** Batches that count now, for whoever must look at their origin. */
  readonly appended: readonly SignedBatch[];
  /** The sender sent something that must not exist. */
  readonly refusedCode: string | null;
  /** The sender has another branch: ask it for this range to prove the fork. */
  readonly askBranch: { readonly origin: string; readonly seq: number } | null;
}

export class Receiver {
  readonly held = new HeldBatches();
  readonly #replica: Replica;
  readonly #hlc: HybridClock;
  readonly #clock: Clock;
  readonly #pulls: PullPlanner;
  readonly #reporter: Reporter;

  constructor(options: {
    readonly replica: Replica;
    readonly hlc: HybridClock;
    readonly clock: Clock;
    readonly pulls: PullPlanner;
    readonly reporter: Reporter;
  }) {
    this.#replica = options.replica;
    this.#hlc = options.hlc;
    this.#clock = options.clock;
    this.#pulls = options.pulls;
    this.#reporter = options.reporter;
  }

  /** One batch, and after it every held batch that it lets in. */
  take(signed: SignedBatch, sender: string): Received {
    const ops: StoreOp[] = [];
    const proofs: ForkProof[] = [];
    const appended: SignedBatch[] = [];
    let refusedCode: string | null = null;
    let askBranch: Received["askBranch"] = null;
    const queue = [signed];
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { origin, seq } = next.batch;
      const outcome = this.#replica.receive(next, this.#clock.wallMs());
      const { verdict } = outcome;
      ops.push(...outcome.ops);
      if (outcome.proof) proofs.push(outcome.proof);
      if (verdict.decision === "hold") {
        askBranch = this.#hold(next, sender, verdict.code) ?? askBranch;
        continue;
      }
      this.held.remove(next);
      if (verdict.decision === "refuse") {
        if (next === signed) refusedCode = verdict.code;
        continue;
      }
      if (verdict.decision === "duplicate" || verdict.decision === "equivocation") continue;
      if (verdict.decision === "void") {
        this.#reporter.count(`void:${verdict.code}`);
        this.#reporter.rejected(sender, verdict.code, { origin, seq });
      }
      appended.push(next);
      this.#pulls.arrived(origin);
      const stamp = parseStamp(next.batch.hlc);
      if (stamp !== null) this.#hlc.observe(stamp);
      queue.push(...this.held.of(origin).filter((waiting) => waiting.batch.seq === seq + 1));
    }
    return { ops, proofs, appended, refusedCode, askBranch };
  }

  #hold(signed: SignedBatch, sender: string, code: string): Received["askBranch"] {
    const { origin, seq } = signed.batch;
    this.#reporter.count(`held:${code}`);
    if (!this.held.add(signed, this.#clock.monoMs())) this.#reporter.count("dropped:hold_full");
    // Nobody but an operator can bring the roster that is missing here.
    if (code === "roster_newer")
      this.#reporter.rejected(sender, code, { origin, roster: signed.batch.roster });
    if (code === "sequence_gap") this.#pulls.note(origin, seq, sender);
    return code === "chain_break" ? { origin, seq: seq - 1 } : null;
  }

  /** Tries again what waits for a roster or for the clock. */
  retryHeld(): Received[] {
    const expired = this.held.expire(this.#clock.monoMs());
    if (expired > 0) this.#reporter.count("dropped:hold_expired", expired);
    return this.held.origins().flatMap((origin) => {
      const next = this.held.of(origin).find(({ batch }) => batch.seq === this.#replica.head(origin).seq + 1);
      return next ? [this.take(next, "")] : [];
    });
  }
}
