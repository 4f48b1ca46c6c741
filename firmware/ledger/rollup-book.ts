/**
 * The rollups that are still growing (ledger.md 8). Shares and the entries that sum them up are planned while a batch is
 * put together and adopted once it is durable, so that a rollup never counts a run whose record was lost.
 */
import { toHex } from "../core/bytes.ts";
import { encodeCbor } from "../core/cbor.ts";
import type { JsonObject } from "../core/json.ts";
import { del, put, type StoreOp } from "../ports/store.ts";
import { eventText } from "./event.ts";
import { ROLLUP_MS, ROLLUP_RUNS } from "./rollup.ts";
import { CompactRange } from "./tree.ts";
import type { LedgerEvent, RollupShare } from "./types.ts";

/** One row per program: that runs are stored which no rollup covers yet. Removed in the batch of the rollup. */
export const GROWING_SUB = "rollup";

/** A rollup that is not written yet. */
interface Growing {
  readonly actor: string;
  readonly first: RollupShare;
  readonly last: RollupShare;
  readonly from: number;
  readonly to: number;
  readonly range: CompactRange;
  readonly evidenceCount: number;
  readonly maxSteps: number;
  readonly maxWallMs: number;
  /** Monotonic ms at which it is written. */
  readonly dueMs: number;
}

/** What a batch is made of, as far as rollups go. */
export interface RolledUnit {
  readonly texts: readonly string[];
  readonly ops: readonly StoreOp[];
  /** Whose entries these are; `"*"` closes every rollup. */
  readonly actors: ReadonlySet<string>;
  readonly share: RollupShare | null;
  /** Rollups that are due at this monotonic time are written; null for none. */
  readonly dueMs: number | null;
}

export interface PlannedUnit {
  /** Entries before the unit's own, its own, and those after them. */
  readonly before: readonly string[];
  readonly own: readonly string[];
  readonly after: readonly string[];
}

export interface RollupPlan {
  readonly units: readonly PlannedUnit[];
  readonly ops: readonly StoreOp[];
  /** Rows of shares, to be removed if the batch fails. */
  readonly shareRows: readonly StoreOp[];
  readonly next: ReadonlyMap<string, Growing>;
}

export const ALL_ACTORS = "*";
const DAEMON_KINDS = /^(?:policy_|safe_mode_|shutdown$|boot$|config_change$)/;

/** Whose rollups an entry must come after: those of its program, or all if it concerns every program. */
export const actorsOf = (events: readonly LedgerEvent[]): ReadonlySet<string> =>
  new Set(events.map(({ actor, kind }) => (DAEMON_KINDS.test(kind) ? ALL_ACTORS : actor)));

/** The entry that sums up a list of runs. */
export function rollupEvent(
  actor: string,
  data: {
    readonly first: RollupShare;
    readonly last: RollupShare;
    readonly from: number;
    readonly to: number;
    readonly range: CompactRange;
    readonly evidenceCount: number;
    readonly maxSteps: number;
    readonly maxWallMs: number;
  },
  isRecovered = false,
): LedgerEvent {
  const { first, last, from, to, range, evidenceCount, maxSteps, maxWallMs } = data;
  const { programId, programHash, policyHash } = first;
  const body: JsonObject = {
    programId,
    programHash,
    policyHash,
    firstRunId: first.runId,
    lastRunId: last.runId,
    from,
    to,
    count: range.size,
    runsRoot: toHex(range.root()),
    evidenceCount,
    maxSteps,
    maxWallMs,
    ...(isRecovered ? { recovered: true } : {}),
  };
  return { kind: "run_rollup", actor, severity: "info", data: body };
}

/** Sums up shares in order of start; null for none. */
export function sumShares(
  actor: string,
  shares: Iterable<RollupShare>,
  isRecovered: boolean,
): LedgerEvent | null {
  let growing: Growing | null = null;
  for (const share of shares) growing = growing === null ? begun(actor, share, 0) : withShare(growing, share);
  return growing === null ? null : rollupEvent(actor, growing, isRecovered);
}

function begun(actor: string, share: RollupShare, nowMs: number): Growing {
  return {
    actor,
    first: share,
    last: share,
    from: share.startedAt,
    to: share.startedAt,
    range: CompactRange.EMPTY.append(share.leaf),
    evidenceCount: share.evidenceCount,
    maxSteps: share.steps,
    maxWallMs: share.wallMs,
    dueMs: nowMs + ROLLUP_MS,
  };
}

function withShare(growing: Growing, share: RollupShare): Growing {
  return {
    ...growing,
    last: share,
    to: share.startedAt,
    range: growing.range.append(share.leaf),
    evidenceCount: growing.evidenceCount + share.evidenceCount,
    maxSteps: Math.max(growing.maxSteps, share.steps),
    maxWallMs: Math.max(growing.maxWallMs, share.wallMs),
  };
}

/** Runs of one rollup have one program and one policy, and ids that grow: their keys are their order. */
const fits = ({ first, last }: Growing, share: RollupShare): boolean =>
  first.programHash === share.programHash &&
  first.policyHash === share.policyHash &&
  last.startedAt <= share.startedAt &&
  last.runId < share.runId;

/** The growing rollups while one batch is planned; nothing of it counts until the plan is adopted. */
class Draft {
  readonly open: Map<string, Growing>;
  readonly ops: StoreOp[] = [];
  readonly #simulated: boolean;

  constructor(open: ReadonlyMap<string, Growing>, simulated: boolean) {
    this.open = new Map(open);
    this.#simulated = simulated;
  }

  close(growing: Growing): string {
    this.open.delete(growing.actor);
    this.ops.push(del(GROWING_SUB, growing.first.programId));
    return eventText(rollupEvent(growing.actor, growing), this.#simulated);
  }

  closeWhere(isTouched: (growing: Growing) => boolean): string[] {
    return [...this.open.values()].filter(isTouched).map((growing) => this.close(growing));
  }

  /** @returns entries that come before the share: of a rollup that it does not fit. */
  add(actor: string, share: RollupShare, nowMs: number): string[] {
    const present = this.open.get(actor);
    if (present !== undefined && fits(present, share)) {
      this.open.set(actor, withShare(present, share));
      return [];
    }
    const texts = present === undefined ? [] : [this.close(present)];
    this.open.set(actor, begun(actor, share, nowMs));
    const { programHash, policyHash, runId } = share;
    this.ops.push(put(GROWING_SUB, share.programId, encodeCbor({ actor, programHash, policyHash, runId })));
    return texts;
  }
}

export class RollupBook {
  readonly #simulated: boolean;
  #open: ReadonlyMap<string, Growing> = new Map();

  constructor(simulated: boolean) {
    this.#simulated = simulated;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  /** Monotonic ms at which the oldest rollup is to be written, null for none. */
  get dueMs(): number | null {
    let due: number | null = null;
    for (const { dueMs } of this.#open.values()) due = due === null ? dueMs : Math.min(due, dueMs);
    return due;
  }

  /** Plans a batch. Changes nothing. */
  plan(units: readonly RolledUnit[], nowMs: number): RollupPlan {
    const draft = new Draft(this.#open, this.#simulated);
    const shareRows: StoreOp[] = [];
    const planned = units.map(({ texts, actors, share, dueMs }): PlannedUnit => {
      const isTouched = (growing: Growing): boolean =>
        actors.has(growing.actor) || actors.has(ALL_ACTORS) || (dueMs !== null && growing.dueMs <= dueMs);
      const before = draft.open.size === 0 ? [] : draft.closeWhere(isTouched);
      if (share === null) return { before, own: texts, after: [] };
      before.push(...draft.add(share.actor, share, nowMs));
      const growing = draft.open.get(share.actor);
      shareRows.push(...share.rows(growing?.first.runId ?? share.runId));
      const isFull = growing !== undefined && growing.range.size >= ROLLUP_RUNS;
      return { before, own: texts, after: isFull ? [draft.close(growing)] : [] };
    });
    return { units: planned, ops: [...draft.ops, ...shareRows], shareRows, next: draft.open };
  }

  /** The planned batch is durable. */
  adopt(plan: RollupPlan): void {
    this.#open = plan.next;
  }
}
