/**
 * One damaged row must not keep the daemon from starting. Before anything reads them, the rows that a start needs are
 * looked at once; what cannot be read is kept under `damaged`, taken out of use and recorded, all in one batch.
 */
import { ASK_SUB, decodeAsk, decodeSchedule, SCHEDULE_SUB } from "../capabilities/index.ts";
import { decodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { decodeReputation, decodeSeenNonce, OFFICIALS, REPUTATIONS } from "../evidence/index.ts";
import {
  COMMANDS,
  type Committer,
  decodeCommand,
  decodeGap,
  decodeRecord,
  forgottenCommand,
  OUTBOX,
  OUTBOX_DEAD,
  OUTBOX_GAPS,
  outboxSeq,
} from "../fleet/index.ts";
import { BALANCE_SUB, decodeBalance, emptyBalance } from "../phi/index.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";
import { decodeOpenRun, OPEN_RUNS } from "../runs/index.ts";
import { formatStamp, parseStamp } from "../sync/index.ts";

/** Rows that were set aside, under `<sublevel>!<key>`. */
export const DAMAGED_SUB = "damaged";
const HLC_SUB = "sync/hlc";

interface Rule {
  readonly sub: string;
  /** @throws CodedError for a row that cannot be used. */
  readonly read: (bytes: Uint8Array, key: string) => unknown;
  /** What takes the row's place; default: nothing. */
  readonly instead?: (key: string) => readonly StoreOp[];
  /** True where one damaged row makes the others meaningless. */
  readonly together?: boolean;
}

function demand(isSound: boolean): void {
  if (!isSound) throw new CodedError("store_corrupt", "The row does not fit its place.");
}

/** A high-water mark, or the incarnation: whatever still makes a stamp. */
function readStampPart(bytes: Uint8Array, key: string): void {
  const value = decodeCbor(bytes);
  const ms = key === "mark" ? Number.isSafeInteger(value) && Number(value) : 0;
  demand(ms !== false && ms >= 0);
  const incarnation = key === "mark" ? "0" : String(value);
  demand(parseStamp(formatStamp({ ms: Number(ms), counter: 0 }, `a.${incarnation}`))?.ms === ms);
}

const RULES: readonly Rule[] = [
  { sub: ASK_SUB, read: (bytes, key) => demand(decodeAsk(bytes).askId === key) },
  { sub: SCHEDULE_SUB, read: (bytes, key) => demand(decodeSchedule(bytes).scheduleId === key) },
  {
    sub: COMMANDS,
    read: (bytes, key) => demand(decodeCommand(bytes).id === key),
    instead: forgottenCommand,
  },
  { sub: OUTBOX, read: (bytes, key) => [decodeRecord(bytes), outboxSeq(key)] },
  { sub: OUTBOX_DEAD, read: (_bytes, key) => outboxSeq(key) },
  { sub: OUTBOX_GAPS, read: (bytes, key) => demand(decodeGap(bytes).class === key) },
  { sub: BALANCE_SUB, read: decodeBalance, instead: (key) => [emptyBalance(key)] },
  { sub: REPUTATIONS, read: decodeReputation },
  { sub: OFFICIALS, read: decodeSeenNonce },
  { sub: OPEN_RUNS, read: (bytes, key) => demand(decodeOpenRun(bytes).runId === key) },
  // Without its mark a replica could use a stamp twice; without both it begins as a new replica.
  { sub: HLC_SUB, read: readStampPart, together: true },
];

function isSound(rule: Rule, key: string, bytes: Uint8Array): boolean {
  try {
    rule.read(bytes, key);
    return true;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

async function damagedOf(store: Store, rule: Rule): Promise<readonly (readonly [string, Uint8Array])[]> {
  const all: (readonly [string, Uint8Array])[] = [];
  const damaged: (readonly [string, Uint8Array])[] = [];
  for await (const row of store.range(rule.sub)) {
    if (rule.together) all.push(row);
    if (!isSound(rule, ...row)) damaged.push(row);
  }
  return damaged.length > 0 && rule.together ? all : damaged;
}

/**
 * Records `store_corrupt` {sublevel, action, rows} for every sublevel with damaged rows.
 * @returns the number of rows that were set aside. @throws CodedError of the store and the ledger.
 */
export async function setAsideDamaged(store: Store, committer: Committer): Promise<number> {
  let count = 0;
  for (const rule of RULES) {
    const damaged = await damagedOf(store, rule);
    if (damaged.length === 0) continue;
    count += damaged.length;
    const data = { sublevel: rule.sub, action: "set_aside", rows: damaged.length };
    const ops = damaged.flatMap(([key, bytes]) => [
      put(DAMAGED_SUB, `${rule.sub}!${key}`, bytes),
      ...(rule.instead?.(key) ?? [del(rule.sub, key)]),
    ]);
    const event = { kind: "store_corrupt", actor: "daemon", severity: "error", data } as const;
    await committer.commit({ events: [event], ops }, { urgent: true });
  }
  return count;
}
