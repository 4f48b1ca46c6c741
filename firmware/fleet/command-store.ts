/** What was accepted (trust.md 7.1): remembered before it runs, so that nothing runs twice, not even over a power cut. */
import { decodeCbor, encodeCbor } from "../core/cbor.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { COMMAND_LIMITS } from "../core/limits.ts";
import { del, put, type Store, type StoreOp } from "../ports/store.ts";

export const COMMANDS = "commands";
/** Commands accepted under a challenge: id → hash, for ever, since their times mean nothing. */
export const COMMANDS_ONCE = "commands_once";

export interface CommandRecord {
  readonly id: string;
  readonly hash: string;
  readonly nonce: string;
  readonly keyIds: readonly string[];
  readonly name: string;
  readonly scope: string;
  readonly state: "accepted" | "done";
  readonly expiresAt: number;
  readonly replyTo: readonly string[];
  /** Correlation data of the request, for the answer on its response topic. */
  readonly correlation: Uint8Array | null;
  /** The signed receipt as it was sent; null while the command runs. */
  readonly receipt: Uint8Array | null;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
const isBytes = (value: unknown): boolean => value === null || value instanceof Uint8Array;

function isRecord(row: Readonly<Record<string, unknown>>): boolean {
  return (
    row.v === 1 &&
    [row.id, row.hash, row.nonce, row.name, row.scope].every(isText) &&
    isTexts(row.keyIds) &&
    isTexts(row.replyTo) &&
    (row.state === "accepted" || row.state === "done") &&
    Number.isFinite(row.expiresAt) &&
    isBytes(row.correlation) &&
    isBytes(row.receipt)
  );
}

/** Reads a row of `commands`. @throws CodedError `store_corrupt`. */
export function decodeCommand(bytes: Uint8Array): CommandRecord {
  const value = decodeCbor(bytes);
  if (!isJsonObject(value) || !isRecord(value)) {
    throw new CodedError("store_corrupt", "A command record has an unknown form.");
  }
  const { v: _version, ...record } = value as { v: unknown } & Record<string, unknown>;
  return record as typeof record & CommandRecord;
}

/**
 * Ops that take the place of a damaged row: its id counts as used for ever, under a hash that no command has, so that
 * whoever sends it again is answered `replay_conflict`.
 */
export const forgottenCommand = (id: string): readonly StoreOp[] => [
  del(COMMANDS, id),
  put(COMMANDS_ONCE, id, new TextEncoder().encode("damaged")),
];

export class CommandStore {
  readonly #store: Store;
  readonly #records = new Map<string, CommandRecord>();
  readonly #nonces = new Map<string, string>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads the records of an earlier life; those still `accepted` were interrupted. @throws `store_corrupt`. */
  async load(): Promise<readonly CommandRecord[]> {
    for await (const [, value] of this.#store.range(COMMANDS)) this.#remember(decodeCommand(value));
    return [...this.#records.values()].filter((record) => record.state === "accepted");
  }

  find(id: string): CommandRecord | null {
    return this.#records.get(id) ?? null;
  }

  /** Hash under which the id was accepted, also long ago under a challenge. */
  async hashOf(id: string): Promise<string | null> {
    const known = this.#records.get(id);
    if (known) return known.hash;
    const once = await this.#store.get(COMMANDS_ONCE, id);
    return once ? new TextDecoder().decode(once) : null;
  }

  idOfNonce(keyId: string, nonce: string): string | null {
    return this.#nonces.get(`${keyId} ${nonce}`) ?? null;
  }

  /**
   * Ops that accept a command; it counts as accepted at once, so that a second delivery during the commit is seen.
   * Null if the store is full of commands that may not be forgotten yet (`replay_store_full`).
   */
  accept(record: CommandRecord, underChallenge: boolean, trustedNowMs: number | null): StoreOp[] | null {
    const gone = trustedNowMs === null ? [] : this.#forget(trustedNowMs);
    if (this.#records.size >= COMMAND_LIMITS.records) return null;
    this.#remember(record);
    return [
      ...gone.map((id) => del(COMMANDS, id)),
      this.op(record),
      ...(underChallenge ? [put(COMMANDS_ONCE, record.id, new TextEncoder().encode(record.hash))] : []),
    ];
  }

  /** The commit of an acceptance failed: it never happened. */
  withdraw(record: CommandRecord): void {
    this.#drop(record);
  }

  /** The command has run; from now on it has this answer. Durable with `op`. */
  finish(record: CommandRecord, receipt: Uint8Array): CommandRecord {
    const done: CommandRecord = { ...record, state: "done", receipt };
    this.#remember(done);
    return done;
  }

  /** Op that stores a record as it is now. */
  op(record: CommandRecord): StoreOp {
    return put(COMMANDS, record.id, encodeCbor({ v: 1, ...record }));
  }

  #remember(record: CommandRecord): void {
    this.#records.set(record.id, record);
    for (const keyId of record.keyIds) this.#nonces.set(`${keyId} ${record.nonce}`, record.id);
  }

  #drop(record: CommandRecord): void {
    this.#records.delete(record.id);
    for (const keyId of record.keyIds) this.#nonces.delete(`${keyId} ${record.nonce}`);
  }

  /** Only what has run and could not be accepted again is forgotten. */
  #forget(nowMs: number): string[] {
    const gone: string[] = [];
    for (const record of this.#records.values()) {
      if (record.state !== "done" || nowMs <= record.expiresAt + COMMAND_LIMITS.keepAfterExpiryMs) continue;
      this.#drop(record);
      gone.push(record.id);
    }
    return gone;
  }
}
