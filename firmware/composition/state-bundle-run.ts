/**
 * The lines of one run in a bundle: documents that its entry names by hash, and its evidence with inclusion proofs. A run
 * that only a rollup covers brings its record first, proven in the rollup's tree (ledger.md 8).
 */
import { storedPolicy } from "../../ota/index.ts";
import { fromHex, toBase64, toHex } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { ContentStore } from "../evidence/index.ts";
import type { Evidence } from "../evidence/types.ts";
import {
  CompactRange,
  type IndexedEntry,
  inclusionSpans,
  leafHash,
  type NodeSource,
  proofOf,
} from "../ledger/index.ts";
import type { Store } from "../ports/store.ts";
import { type FullRunRecord, RunStore, recordLeaf } from "../runs/index.ts";
import type { ProgramDocument, RunRecord } from "../vm/index.ts";
import { plainJson } from "./state-params.ts";

export interface RunPlace {
  /** Of the run's entry, or of the rollup that covers it. */
  readonly index: number;
  readonly runId: string;
  /** Of a run that only a rollup covers: its record line; null with an entry of its own. */
  readonly record: (() => Promise<JsonObject>) | null;
  /** The records of the rollup are not all there any more, so that none of them can be proven. */
  readonly isLost?: true;
}

interface Parts {
  readonly store: Store;
  readonly content: ContentStore;
}

interface Stored {
  readonly record: FullRunRecord;
  readonly program: ProgramDocument;
  readonly evidence: readonly Evidence[];
}

/** Null if record, program or evidence are gone: retention takes them before it takes the entry. */
async function storedRun(runId: string, { store, content }: Parts): Promise<Stored | null> {
  const runs = new RunStore(store, content);
  try {
    const record = await runs.read(runId);
    const program = await runs.document(record.program.programHash);
    const evidence = await content.evidenceOfRun(runId);
    return evidence.length === record.evidence.length ? { record, program, evidence } : null;
  } catch (error) {
    if (error instanceof CodedError && error.code === "not_found") return null;
    throw error;
  }
}

interface SmallTree {
  readonly root: string;
  /** PATH(seq, leaves). */
  proofAt(seq: number): Promise<Uint8Array[]>;
}

/** A tree that fits into memory. @param leaves leaf hashes. */
function treeOf(leaves: readonly Uint8Array[]): SmallTree {
  const nodes = new Map<string, Uint8Array>();
  let range = CompactRange.EMPTY;
  for (const leaf of leaves)
    range = range.append(leaf, ({ level, index, hash }) => nodes.set(`${level}!${index}`, hash));
  const source: NodeSource = async (ids) => ids.map(({ level, index }) => nodes.get(`${level}!${index}`));
  return {
    root: toHex(range.root()),
    proofAt: (seq) => proofOf(inclusionSpans(seq, leaves.length), source),
  };
}

const recordLine = (index: number, seq: number, record: RunRecord, tree: SmallTree) => async () => ({
  t: "record",
  index,
  seq,
  record: plainJson(record),
  proof: (await tree.proofAt(seq)).map(toBase64),
});

/** The runs that an entry stands for, in order of start; of an entry of another kind none. */
export async function placesOf({ index, entry }: IndexedEntry, parts: Parts): Promise<readonly RunPlace[]> {
  const { kind, runId, data } = entry.event;
  if (kind === "run" && runId !== undefined) return [{ index, runId, record: null }];
  if (kind !== "run_rollup") return [];
  const { firstRunId, lastRunId, runsRoot } = data;
  const [first, last] = [String(firstRunId), String(lastRunId)];
  const records: RunRecord[] = [];
  for await (const record of new RunStore(parts.store, parts.content).ofRollup(first, last))
    records.push(record);
  const tree = treeOf(records.map(recordLeaf));
  if (tree.root !== runsRoot) return [{ index, runId: first, record: null, isLost: true }];
  return records.map((record, seq) => ({
    index,
    runId: record.runId,
    record: recordLine(index, seq, record, tree),
  }));
}

async function blobOf(content: ContentStore, { body }: Evidence): Promise<{ readonly blob?: string }> {
  if (body.payload !== undefined) return {};
  try {
    return { blob: toBase64(await content.get(body.sha256)) };
  } catch (error) {
    // Collected with its time: the reader of the bundle is told that it is not there.
    if (error instanceof CodedError && error.code === "not_found") return {};
    throw error;
  }
}

interface Named {
  readonly of: string;
  readonly value: Json;
  /** Of a document that many runs have in common, null for one of this run alone. */
  readonly hash: string | null;
}

async function documentsOf({ record, program }: Stored, store: Store): Promise<readonly Named[]> {
  const { journal, limits, payload, trigger, outcome, policyHash } = record;
  const policy = await storedPolicy(store, policyHash);
  return [
    { of: "input", value: plainJson({ journal, limits, payload, trigger }), hash: null },
    { of: "outcome", value: plainJson(outcome), hash: null },
    { of: "program", value: plainJson(program), hash: record.program.programHash },
    ...(policy === null ? [] : [{ of: "policy", value: policy, hash: policyHash }]),
  ];
}

export interface OpenedRun {
  /** @param skip lines that were given out already. @throws CodedError `integrity_error` if a payload is damaged. */
  readonly lines: (skip: number) => AsyncGenerator<JsonObject>;
  /** Hashes of the documents that runs after this one need not repeat. */
  readonly repeatable: readonly string[];
}

async function* withheld(
  head: readonly JsonObject[],
  index: number,
  skip: number,
): AsyncGenerator<JsonObject> {
  yield* [...head, { t: "withheld", index }].slice(skip);
}

/**
 * @param parts.shown hashes of documents that earlier runs have brought.
 * @throws CodedError `integrity_error`, `store_corrupt` if what is stored is damaged.
 */
export async function openRun(
  { index, runId, record, isLost }: RunPlace,
  parts: Parts & { readonly shown: ReadonlySet<string> },
): Promise<OpenedRun> {
  const stored = isLost ? null : await storedRun(runId, parts);
  const head = record === null ? [] : [await record()];
  if (stored === null) return { lines: (skip) => withheld(head, index, skip), repeatable: [] };
  const all = await documentsOf(stored, parts.store);
  const documents = all.filter(({ hash }) => hash === null || !parts.shown.has(hash));
  async function* lines(skip: number): AsyncGenerator<JsonObject> {
    const before = [...head, ...documents.map(({ of, value }) => ({ t: "document", index, of, value }))];
    yield* before.slice(skip);
    yield* evidenceLines(index, stored?.evidence ?? [], Math.max(0, skip - before.length), parts.content);
  }
  return { lines, repeatable: all.flatMap(({ hash }) => (hash === null ? [] : [hash])) };
}

async function* evidenceLines(
  index: number,
  evidence: readonly Evidence[],
  from: number,
  content: ContentStore,
): AsyncGenerator<JsonObject> {
  const { proofAt } = treeOf(evidence.map(({ id }) => leafHash(fromHex(id))));
  for (const one of evidence.slice(from)) {
    const { seq } = one.body;
    const proof = (await proofAt(seq)).map(toBase64);
    const blob = await blobOf(content, one);
    yield { t: "evidence", index, seq, id: one.id, body: plainJson(one.body), proof, ...blob };
  }
}
