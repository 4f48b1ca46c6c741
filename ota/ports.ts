/** What updates need from the daemon around them. The composition root supplies it. */
import type { JsonObject } from "../firmware/core/json.ts";
import type { KeyRecord } from "../firmware/core/key-record.ts";
import type { SourceList } from "../firmware/evidence/index.ts";
import type { EntryReceipt, LedgerEvent } from "../firmware/ledger/types.ts";
import type { CompiledPolicy, CompileFacts } from "../firmware/policy/index.ts";
import type { StoreOp } from "../firmware/ports/store.ts";
import type {
  CapabilityView,
  Executor,
  JournalEntry,
  RunRecord,
  SchemaCheck,
  VerifiedProgram,
} from "../firmware/vm/index.ts";
import type { ReleaseBundle } from "./release/bundle.ts";
import type { Echo } from "./rules/probe.ts";

/** The ledger's writer: entries and rows of one arrow become durable in one synced batch, or none does. */
export interface Committer {
  commit(
    unit: { readonly events: readonly LedgerEvent[]; readonly ops: readonly StoreOp[] },
    options?: { readonly urgent?: boolean },
  ): Promise<readonly EntryReceipt[]>;
}

/** A release whose bytes were hashed, whose policy compiles and whose programs verify: fit to be run. */
export interface LoadedRelease {
  /** SHA-256 of the bundle. */
  readonly hash: string;
  readonly isFactory: boolean;
  readonly bundle: ReleaseBundle;
  readonly policy: CompiledPolicy;
  /** By program name. */
  readonly programs: ReadonlyMap<string, VerifiedProgram>;
  /** Null: the factory's rules alone. */
  readonly sources: SourceList | null;
}

/** Runs what is in force. */
export interface ReleaseHost {
  /**
   * Stops admitting, lets runs end (10 s, then cuts them), loads the release and admits again. Outputs that only the
   * old release declares are driven safe; with `safe` all are driven safe before anything else.
   */
  activate(
    release: LoadedRelease,
    options: { readonly trial: boolean; readonly safe: boolean; readonly signal: AbortSignal },
  ): Promise<void>;
  /** Outputs safe, no programs; sensing, link and commands stay alive. */
  safeMode(reason: string): Promise<void>;
}

/** A recorded run with its journal at hand. */
export type RecordedRun = RunRecord & { readonly journal: readonly JournalEntry[] };

/** The device's own recorded runs. */
export interface RunHistory {
  /** The newest first. */
  latest(limit: number): AsyncIterable<RecordedRun>;
  /** The document of a recorded run. Rejects if it is not stored any more. */
  document(programHash: string): Promise<unknown>;
}

/** One check of the self-test; its name is the code of its failure (rollout.md 9). */
export interface SelfTestCheck {
  readonly name: string;
  /** Null if all is well. */
  check(signal: AbortSignal): Promise<{ readonly code: string; readonly details: JsonObject } | null>;
}

export interface DryRunResult {
  readonly ok: boolean;
  readonly ended?: "responded" | "halted" | "refused" | "failed" | "cut";
  readonly status?: number;
  readonly code?: string;
  readonly details?: JsonObject;
  /** ms; measured by the service if absent. */
  readonly wallMs?: number;
}

export interface ProbePort {
  /**
   * Publishes `count` messages `everyMs` apart on the device's loopback topic and collects what returns until all are
   * there or `windowMs` after the first. `local` without a link before activation.
   */
  echo(
    request: {
      readonly nonce: string;
      readonly count: number;
      readonly everyMs: number;
      readonly windowMs: number;
    },
    signal: AbortSignal,
  ): Promise<{
    readonly mode: "bus" | "local";
    readonly sentAtMs: number;
    readonly received: readonly Echo[];
  }>;
  /** The full path of a run under the release in force, with effects suppressed. */
  dryRun(program: string, payload: JsonObject | undefined, signal: AbortSignal): Promise<DryRunResult>;
}

/** Gives the bytes of an offered bundle. Trust never depends on it. */
export interface BundleSource {
  fetch(
    target: { readonly sha256: string; readonly length: number },
    signal: AbortSignal,
  ): Promise<Uint8Array>;
}

export interface DeviceFacts {
  readonly fleet: string;
  readonly device: string;
  readonly groups: readonly string[];
  /** Identity of the kernel's boot, not of the daemon's: tells a crash from a loss of power. */
  readonly kernelBootId: string;
  /** What the policy compiler is told about the device, without `active` and `nowMs`. */
  readonly compile: Omit<CompileFacts, "active" | "nowMs">;
  /** Free bytes of the store's file system, null if unknown; absent where nothing can be said. */
  readonly freeBytes?: () => Promise<number | null>;
  /** The board's under-voltage flag. */
  readonly isPowerLow?: () => boolean;
}

/** What verifier and replay must know of capabilities under a policy. */
export interface ProgramView {
  readonly view: CapabilityView;
  readonly checkSchema?: SchemaCheck;
  /** Who runs programs here; default: the machine's own. */
  readonly executor?: Executor;
}

export type KeyLookup = () => ReadonlyMap<string, KeyRecord>;
export type ViewOf = (policy: CompiledPolicy) => ProgramView;
