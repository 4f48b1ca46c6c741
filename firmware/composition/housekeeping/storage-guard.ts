/**
 * Keeps programs from running where they could not be recorded (ledger.md 2 and 11). When the disk gets short, retention
 * runs at once; if that is not enough, or if the ledger cannot be written, outputs go safe and no run starts until the
 * disk is well again. Sensing, links and commands go on.
 */
import { CodedError, codeOf, type Refusal, refusal } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { DISK_LIMITS } from "../../core/limits.ts";
import type { Clock, Timer } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import { storageDetails } from "./storage-remedy.ts";

export interface StorageGuardParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly freeBytes: () => Promise<number>;
  /** Writes something small and synced. @throws CodedError `ledger_unavailable` with the store's error as cause. */
  readonly tryWriting: () => Promise<void>;
  /** False while the last writes have failed. */
  readonly isHealthy: () => boolean;
  /** Gives back what may go; ends when it has, or has failed. */
  readonly relieve: () => Promise<void>;
  readonly driveSafe: (reason: string) => Promise<unknown>;
  /** Told once when runs are refused from now on. */
  readonly onBlocked: (code: string, details: JsonObject) => void;
  /** Told once when runs are admitted again. */
  readonly onFree: (code: string, details: JsonObject) => void;
}

interface Block {
  readonly code: string;
  readonly sinceMs: number;
  refused: number;
}

/** The store's own code where the ledger only says that it could not write. */
function causeCode(error: unknown): string {
  if (error instanceof CodedError && error.code === "ledger_unavailable" && error.cause !== undefined)
    return causeCode(error.cause);
  const code = codeOf(error);
  return code === "" ? "store_unavailable" : code;
}

export class StorageGuard implements Disposable {
  readonly #parts: StorageGuardParts;
  #block: Block | null = null;
  #freeBytes: number | null = null;
  #timer: Timer | null = null;
  #looking: Promise<void> | null = null;
  #relieving = false;
  #isSuspect = false;
  #isStopped = false;

  constructor(parts: StorageGuardParts) {
    this.#parts = parts;
  }

  /** Why no run may start now; null when they may. Every refusal is counted. */
  refuseRun(): Refusal | null {
    const block = this.#block;
    if (block === null) return null;
    block.refused++;
    return refusal(block.code, 503, storageDetails(block.code, this.#freeBytes));
  }

  get isRefusing(): boolean {
    return this.#block !== null;
  }

  /** Facts for people. */
  get view(): JsonObject {
    const block = this.#block;
    return {
      freeBytes: this.#freeBytes,
      refusing: block?.code ?? null,
      ...(block ? { since: block.sinceMs, refusedRuns: block.refused } : {}),
    };
  }

  /** The first look, before any run; then every 30 s until it is disposed. */
  async start(): Promise<void> {
    await this.look();
    this.#arm();
  }

  #arm(): void {
    if (this.#isStopped) return;
    this.#timer = this.#parts.clock.after(DISK_LIMITS.lookMs, () => {
      void this.look().finally(() => this.#arm());
    });
  }

  /** A write has failed: nobody waits for the next turn. */
  writeFailed(): void {
    this.#isSuspect = true;
    void this.look();
  }

  /** Looks at the disk now. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #look(): Promise<void> {
    if (this.#isStopped) return;
    try {
      const failing = await this.#failingCode();
      this.#freeBytes = await this.#parts.freeBytes().catch(() => null);
      if (failing !== null) return await this.#refuse(failing);
      if (!this.#isShort()) return this.#admit();
      if (!this.#relieving) this.#relieveThenLook();
      // Already refusing, it goes on; newly short, retention is given its try first.
    } catch (error) {
      this.#parts.log.error("storage_look_failed", { code: codeOf(error) });
    }
  }

  #isShort(): boolean {
    const needed = this.#block === null ? DISK_LIMITS.freeBytes : DISK_LIMITS.resumeBytes;
    return this.#freeBytes !== null && this.#freeBytes < needed;
  }

  /** Null if the ledger can be written: while it could not be, that is tried. */
  async #failingCode(): Promise<string | null> {
    if (this.#parts.isHealthy() && this.#block === null && !this.#isSuspect) return null;
    try {
      await this.#parts.tryWriting();
      this.#isSuspect = false;
      return null;
    } catch (error) {
      return causeCode(error);
    }
  }

  #relieveThenLook(): void {
    this.#relieving = true;
    const relieve = async (): Promise<void> => {
      await this.#parts.relieve();
      this.#freeBytes = await this.#parts.freeBytes().catch(() => null);
      if (this.#isStopped) return;
      if (this.#isShort()) await this.#refuse("storage_full");
      else if ((await this.#failingCode()) === null) this.#admit();
    };
    void relieve()
      .catch((error: unknown) => this.#parts.log.error("storage_relief_failed", { code: codeOf(error) }))
      .finally(() => {
        this.#relieving = false;
      });
  }

  async #refuse(code: string): Promise<void> {
    if (this.#block?.code === code) return;
    const { clock, onBlocked, driveSafe } = this.#parts;
    const isNew = this.#block === null;
    this.#block = {
      code,
      sinceMs: this.#block?.sinceMs ?? clock.wallMs(),
      refused: this.#block?.refused ?? 0,
    };
    onBlocked(code, storageDetails(code, this.#freeBytes));
    if (isNew) await driveSafe(code);
  }

  #admit(): void {
    const block = this.#block;
    if (block === null) return;
    this.#block = null;
    const { sinceMs, refused } = block;
    this.#parts.onFree(block.code, { since: sinceMs, refusedRuns: refused, freeBytes: this.#freeBytes });
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}
