/** Finding the state of a stored log: from its sealed head, by repair, or by beginning a new epoch (ledger.md 3, 13). */
import { fromHex, toHex } from "../core/bytes.ts";
import type { JsonObject } from "../core/json.ts";
import { del, put, type Store, type StoreOp, type StoreRow } from "../ports/store.ts";
import { judgeCheckpoints } from "./checkpoint.ts";
import { encodeStored, readStored } from "./entry.ts";
import { indexKey, indexOfKey, type Layout } from "./layout.ts";
import { readAnchor, readEntry, readHead, readNotes, readRecord } from "./log-rows.ts";
import type { VerifierKey } from "./note.ts";
import { EMPTY_LOG, type LogState, sameBytes } from "./sealed.ts";
import { endAt } from "./stored-nodes.ts";
import { EMPTY_ROOT, leafHash } from "./tree.ts";
import { isWholeTo } from "./whole-log.ts";

/** The last checkpoint this device signed: nothing signed later may contradict it. */
export interface SignedTree {
  readonly size: number;
  readonly root: Uint8Array;
}

export const NOTHING_SIGNED: SignedTree = { size: 0, root: EMPTY_ROOT };

export type EpochReason = "corrupt" | "truncated" | "factory_reset" | "fork";

export type Start =
  | { readonly is: "ready"; readonly state: LogState; readonly signed: SignedTree }
  | {
      readonly is: "repaired";
      readonly state: LogState;
      readonly signed: SignedTree;
      /** Becomes durable together with the `ledger_repaired` entry. */
      readonly ops: readonly StoreOp[];
      readonly data: JsonObject;
    }
  | { readonly is: "lost"; readonly reason: EpochReason; readonly prev: JsonObject | null };

/** A tree that this device has signed in some epoch, known from outside of the store. */
export interface KnownTree extends SignedTree {
  readonly origin: string;
  readonly epoch: number;
}

export interface StartInput {
  /** What must be in the log besides what the store itself says. */
  readonly known?: KnownTree | null;
  /** True where an empty log can only be a lost one. */
  readonly mustContinue?: boolean;
  readonly store: Store;
  readonly layout: Layout;
  readonly headKey: Uint8Array;
  readonly origin: string;
  readonly logKeys: readonly VerifierKey[];
}

type Known = { readonly signed: SignedTree; readonly notes: readonly SignedTree[]; readonly isFork: boolean };

async function readSigned({ store, layout, headKey, origin, logKeys, known }: StartInput): Promise<Known> {
  const record = await readRecord(store, layout.signed, "signed", headKey);
  const claims = judgeCheckpoints(await readNotes(store, layout), origin, logKeys);
  const notes: SignedTree[] = claims.filter((claim) => claim.good);
  const trees = [...notes];
  if (known?.origin === origin) trees.push(known);
  if (record.is === "good") {
    const { size, root } = record.body;
    if (typeof size === "number" && typeof root === "string") trees.push({ size, root: fromHex(root) });
  }
  let signed = NOTHING_SIGNED;
  let isFork = false;
  for (const tree of trees) {
    if (trees.some((other) => other.size === tree.size && !sameBytes(other.root, tree.root))) isFork = true;
    if (tree.size >= signed.size) signed = tree;
  }
  return { signed, notes, isFork };
}

async function hasEntryAt(store: Store, layout: Layout, index: number): Promise<boolean> {
  return (await store.get(layout.entries, indexKey(index))) !== undefined;
}

async function headIsSound(input: StartInput, state: LogState, signed: SignedTree): Promise<boolean> {
  const { store, layout } = input;
  if (await hasEntryAt(store, layout, state.size)) return false;
  if (signed.size > state.size) return false;
  if (signed.size === state.size && !sameBytes(signed.root, state.range.root())) return false;
  const anchor = await readAnchor(store, layout, input.headKey);
  if (anchor === null) return false;
  if (state.size === anchor.index) return state.lastHash === anchor.prevHash;
  const last = await readEntry(store, layout, state.size - 1);
  return last?.read?.hash === state.lastHash && last.read.storedHash === state.lastHash;
}

/** The state at a checkpoint from stored nodes and the entry before it, null if they do not give its root. */
async function stateAt(input: StartInput, tree: SignedTree): Promise<LogState | null> {
  const { store, layout, headKey } = input;
  const anchor = await readAnchor(store, layout, headKey);
  if (anchor === null || tree.size < anchor.index) return null;
  if (tree.size === 0) return EMPTY_LOG;
  if (tree.size === anchor.index) {
    return sameBytes(anchor.range.root(), tree.root)
      ? { size: tree.size, lastHash: anchor.prevHash, lastTs: 0, range: anchor.range }
      : null;
  }
  const end = await endAt(store, layout, tree.size);
  if (end === null || !sameBytes(end.range.root(), tree.root)) return null;
  return { size: tree.size, lastHash: end.last.hash, lastTs: end.last.entry.ts, range: end.range };
}

/** When nodes are damaged: the state at the checkpoint from the entries themselves, and the rows that were damaged. */
async function rescan(input: StartInput, tree: SignedTree): Promise<[LogState, StoreOp[]] | null> {
  const { store, layout, headKey } = input;
  const anchor = await readAnchor(store, layout, headKey);
  if (anchor === null || tree.size < anchor.index) return null;
  let state: LogState = { size: anchor.index, lastHash: anchor.prevHash, lastTs: 0, range: anchor.range };
  const mended: StoreOp[] = [];
  const bounds = { gte: indexKey(anchor.index), lt: indexKey(tree.size) };
  for await (const [key, row] of store.range(layout.entries, bounds)) {
    const next = follow(layout, state, [key, row], mended);
    if (next === null) return null;
    state = next;
  }
  return state.size === tree.size && sameBytes(state.range.root(), tree.root) ? [state, mended] : null;
}

/** @param mended receives the row anew if the hashes beside its entry are not those of the tree. */
function follow(layout: Layout, state: LogState, [key, row]: StoreRow, mended: StoreOp[]): LogState | null {
  const read = readStored(row);
  if (indexOfKey(key) !== state.size || read === null) return null;
  const { entry, bytes, hash, storedHash } = read;
  if (hash !== storedHash || entry.prev_hash !== state.lastHash) return null;
  const nodes: Uint8Array[] = [];
  const range = state.range.append(leafHash(bytes), (node) => node.level > 0 && nodes.push(node.hash));
  const sound = encodeStored(bytes, fromHex(hash), nodes);
  if (!sameBytes(sound, row)) mended.push(put(layout.entries, key, sound));
  return { size: state.size + 1, lastHash: hash, lastTs: entry.ts, range };
}

async function repair(input: StartInput, signed: SignedTree, headSize: number | null): Promise<Start | null> {
  const { store, layout } = input;
  const base = await stateAt(input, signed);
  const found = base === null ? await rescan(input, signed) : ([base, []] as const);
  if (found === null) return null;
  let [state] = found;
  const ops: StoreOp[] = [...found[1]];
  let setAside = 0;
  for await (const [key, row] of store.range(layout.entries, { gte: indexKey(state.size) })) {
    const next = setAside === 0 ? follow(layout, state, [key, row], ops) : null;
    if (next !== null) state = next;
    else {
      setAside++;
      ops.push(put(layout.damaged, key, row), del(layout.entries, key));
    }
  }
  const data = { from: signed.size, size: state.size, headSize, setAside };
  return { is: "repaired", state, signed, ops, data };
}

async function lastKnownGood(input: StartInput, notes: readonly SignedTree[]): Promise<JsonObject | null> {
  for (const tree of [...notes].sort((a, b) => b.size - a.size)) {
    const state = await stateAt(input, tree);
    if (state === null || tree.size === 0) continue;
    return { origin: input.origin, size: tree.size, root: toHex(tree.root), lastHash: state.lastHash };
  }
  const { known } = input;
  // Its entries are gone, so nothing tells the last one's hash.
  return known ? { origin: known.origin, size: known.size, root: toHex(known.root), lastHash: null } : null;
}

/** Reads where a stored log stands. Writes nothing. @throws CodedError of the store. */
export async function findStart(input: StartInput): Promise<Start> {
  const start = await startOf(input);
  if (input.mustContinue !== true || start.is === "lost" || (await isWholeTo(input, start.signed.size)))
    return start;
  // Its head is sound, but entries that were signed are gone: what is left stays readable, and is not added to.
  const { notes } = await readSigned(input);
  return { is: "lost", reason: "corrupt", prev: await lastKnownGood(input, notes) };
}

async function startOf(input: StartInput): Promise<Start> {
  const { store, layout, headKey } = input;
  const { signed, notes, isFork } = await readSigned(input);
  const lost = async (reason: EpochReason): Promise<Start> => ({
    is: "lost",
    reason,
    prev: await lastKnownGood(input, notes),
  });
  if (isFork) return lost("fork");
  const head = await readHead(store, layout, headKey);
  if (head.is === "good" && (await headIsSound(input, head.state, signed))) {
    return { is: "ready", state: head.state, signed };
  }
  if (head.is === "absent" && signed.size === 0 && input.mustContinue !== true) {
    let isFresh = (await readAnchor(store, layout, headKey))?.index === 0;
    for await (const _row of store.range(layout.entries, { limit: 1 })) isFresh = false;
    if (isFresh) return { is: "ready", state: EMPTY_LOG, signed };
  }
  if (input.mustContinue === true && signed.size === 0) return lost("corrupt");
  const repaired = await repair(input, signed, head.is === "good" ? head.state.size : null);
  if (repaired !== null) return repaired;
  const isShort = !(signed.size > 0 && (await hasEntryAt(store, layout, signed.size - 1)));
  return lost(isShort ? "truncated" : "corrupt");
}
