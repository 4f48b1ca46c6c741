/** What must be true of a bare ledger's folder after every kill. */
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import {
  type IndexedEntry,
  LedgerReader,
  originOf,
  TYPE_ED25519,
  verifierKey,
  verifyStore,
} from "../../firmware/ledger/index.ts";
import { del, type Store, type StoreOp } from "../../firmware/ports/store.ts";
import { LEDGER_DEVICE, LEDGER_FLEET, LEDGER_HEAD_KEY, LEDGER_SEED } from "./ledger-keys.ts";
import { type Told, UNIT_ROWS } from "./lines.ts";
import type { Judge, Judged, Subject } from "./torture.ts";

const ORIGIN = originOf("imu.invalid", LEDGER_FLEET, LEDGER_DEVICE, 0);
const KEYS = {
  origin: ORIGIN,
  logKeys: [verifierKey(ORIGIN, TYPE_ED25519, keyPairFromSeed(LEDGER_SEED).publicKeyHex)],
  headKey: LEDGER_HEAD_KEY,
};

interface Unit {
  readonly of: number;
  readonly parts: number[];
}

function unitsOf(entries: readonly IndexedEntry[]): Map<string, Unit> {
  const units = new Map<string, Unit>();
  for (const { entry } of entries) {
    const { kind, data } = entry.event;
    if (kind !== "config_change") continue;
    const unit = units.get(String(data.name)) ?? { of: Number(data.new), parts: [] };
    unit.parts.push(Number(data.old));
    units.set(String(data.name), unit);
  }
  return units;
}

/** Rows that this life's units have left, by unit; they are taken away, so that the next life begins without any. */
async function takeRows(store: Store): Promise<Map<string, number>> {
  const rows = new Map<string, number>();
  const ops: StoreOp[] = [];
  for await (const [key] of store.range(UNIT_ROWS)) {
    const unit = key.split("!")[0] ?? "";
    rows.set(unit, (rows.get(unit) ?? 0) + 1);
    ops.push(del(UNIT_ROWS, key));
  }
  if (ops.length > 0) await store.batch(ops, { sync: true });
  return rows;
}

/** A unit is there with all of its entries, in order, and all of its rows, or not at all. */
function halfApplied(units: ReadonlyMap<string, Unit>, rows: ReadonlyMap<string, number>): string[] {
  const problems: string[] = [];
  for (const [id, { of, parts }] of units) {
    const isWhole = parts.length === of && parts.every((part, at) => part === at);
    if (!isWhole) problems.push(`unit ${id} has entries ${parts.join()} of ${of}`);
    if (rows.get(id) !== of) problems.push(`unit ${id} has ${rows.get(id) ?? 0} rows of ${of}`);
  }
  for (const id of rows.keys()) if (!units.has(id)) problems.push(`unit ${id} has rows, but no entries`);
  return problems;
}

export class LedgerJudge implements Judge {
  readonly #dir: string;
  /** Every entry that a reader has seen may never change, acknowledged or not. */
  readonly #seen = new Map<number, string>();
  #size = 0;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Entries that have been looked at. */
  get size(): number {
    return this.#size;
  }

  async judge(told: readonly Told[]): Promise<Judged> {
    await using store = await LevelStore.open(this.#dir, { create: true });
    const report = await verifyStore(store, KEYS);
    // A process that was killed before its first write has left an empty log, which proves nothing and lacks nothing.
    const isNew = this.#size === 0 && report.size === 0;
    const warnings = report.warnings.filter(({ code }) => !(isNew && code === "no_anchor"));
    const problems = warnings.map((warning) => `warning ${JSON.stringify(warning)}`);
    if (!report.ok) problems.push(`verification: ${report.reason} at ${report.firstBad}`);
    if (report.size < this.#size) problems.push(`the log went back from ${this.#size} to ${report.size}`);
    const reader = await LedgerReader.open(store, { headKey: LEDGER_HEAD_KEY });
    const entries: IndexedEntry[] = [];
    for await (const entry of reader.entries()) entries.push(entry);
    problems.push(...this.#changed(entries), ...missing(told, entries, report.size));
    const fresh = entries.filter(({ index }) => index >= this.#size);
    problems.push(...halfApplied(unitsOf(fresh), await takeRows(store)));
    this.#remember(entries);
    this.#size = report.size;
    return { problems, size: report.size, acknowledged: told.filter(({ t }) => t === "unit").length };
  }

  #changed(entries: readonly IndexedEntry[]): string[] {
    return entries
      .filter(({ index, hash }) => (this.#seen.get(index) ?? hash) !== hash)
      .map(({ index }) => `entry ${index} is another one now`);
  }

  #remember(entries: readonly IndexedEntry[]): void {
    this.#seen.clear();
    for (const { index, hash } of entries) this.#seen.set(index, hash);
  }
}

/** What was acknowledged or signed, and is not there. */
function missing(told: readonly Told[], entries: readonly IndexedEntry[], size: number): string[] {
  const hashes = new Map(entries.map(({ index, hash }) => [index, hash]));
  return told.flatMap((line) => {
    if (line.t === "checkpoint" && line.size > size) return [`checkpoint ${line.size} is ahead of the log`];
    if (line.t !== "unit" || hashes.get(line.index) === line.hash) return [];
    return [`acknowledged entry ${line.index} is ${hashes.has(line.index) ? "another one" : "missing"}`];
  });
}

/** @param dir the database's folder. */
export function ledgerSubject(dir: string): Subject {
  const judge = new LedgerJudge(dir);
  return {
    name: "ledger",
    args: () => ["ledger", dir, String(judge.size)],
    judge,
    openMs: 250,
    lifeMs: 200,
  };
}
