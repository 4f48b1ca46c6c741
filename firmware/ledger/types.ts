/** Shapes of the ledger (ledger.md 1, 3, 10). */
import type { Json, JsonObject } from "../core/json.ts";
import type { StoreOp } from "../ports/store.ts";

export type Severity = "debug" | "info" | "warn" | "error" | "critical";

export interface LedgerEvent {
  readonly kind: string;
  readonly actor: string;
  readonly severity: Severity;
  readonly data: { readonly [key: string]: Json };
  readonly runId?: string;
  readonly traceId?: string;
  readonly refs?: readonly string[];
  readonly sim?: true;
}

export interface LedgerEntry {
  readonly event: LedgerEvent;
  readonly prev_hash: string;
  readonly ts: number;
}

export interface EntryReceipt {
  readonly index: number;
  readonly hash: string;
}

/** A run's share in a rollup, in place of an entry of its own (ledger.md 8). */
export interface RollupShare {
  /** `program:<name>`. */
  readonly actor: string;
  readonly programId: string;
  readonly programHash: string;
  readonly policyHash: string;
  readonly runId: string;
  /** Wall ms. */
  readonly startedAt: number;
  readonly evidenceCount: number;
  readonly steps: number;
  readonly wallMs: number;
  /** Leaf hash of JCS(run record), 32 bytes. */
  readonly leaf: Uint8Array;
  /** The run's record, which names the first run of the rollup that it got into. */
  readonly rows: (firstRunId: string) => readonly StoreOp[];
}

/** One settlement: its entries and everything else that must become durable in the same atomic batch. */
export interface CommitUnit {
  readonly events: readonly LedgerEvent[];
  readonly ops: readonly StoreOp[];
  /** A run without an entry of its own. */
  readonly share?: RollupShare;
}

export interface LedgerHead {
  readonly size: number;
  readonly lastHash: string;
  readonly lastTs: number;
}

/**
 * The one writer of the store's durable state. Units that arrive within one group-commit window (20 ms) share one
 * synced batch; the promise resolves only after that sync. A failed batch rejects every unit in it and changes nothing.
 */
export interface LedgerWriter {
  readonly head: LedgerHead;
  /** @param urgent do not wait for the window: used before a receipt or an effect of durability `before`. */
  commit(unit: CommitUnit, options?: { readonly urgent?: boolean }): Promise<readonly EntryReceipt[]>;
}

export interface VerifyReport {
  readonly ok: boolean;
  readonly size: number;
  readonly count: number;
  readonly firstBad: number | null;
  readonly reason: string | null;
  readonly exact: boolean;
  readonly lastGoodCheckpoint: number | null;
  readonly warnings: readonly JsonObject[];
}
