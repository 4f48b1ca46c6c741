/** The lines of one run in a bundle: documents that its entry names by hash, and its evidence with inclusion proofs. */
import { storedPolicy } from "../../ota/index.ts";
import { fromHex, toBase64 } from "../core/bytes.ts";
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { ContentStore } from "../evidence/index.ts";
import type { Evidence } from "../evidence/types.ts";
import { CompactRange, inclusionSpans, leafHash, type NodeSource, proofOf } from "../ledger/index.ts";
import type { Store } from "../ports/store.ts";
import { type FullRunRecord, RunStore } from "../runs/index.ts";
import type { ProgramDocument } from "../vm/index.ts";
import { plainJson } from "./state-params.ts";

export interface RunPlace {
  /** Of the run's entry. */
  readonly index: number;
  readonly runId: string;
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

/** PATH(seq, ids) for every record of a run. */
function proofsOf(evidence: readonly Evidence[]): (seq: number) => Promise<Uint8Array[]> {
  const nodes = new Map<string, Uint8Array>();
  let range = CompactRange.EMPTY;
  for (const { id } of evidence) {
    range = range.append(leafHash(fromHex(id)), ({ level, index, hash }) =>
      nodes.set(`${level}!${index}`, hash),
    );
  }
  const source: NodeSource = async (ids) => ids.map(({ level, index }) => nodes.get(`${level}!${index}`));
  return (seq) => proofOf(inclusionSpans(seq, evidence.length), source);
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

async function* withheld(index: number, skip: number): AsyncGenerator<JsonObject> {
  if (skip === 0) yield { t: "withheld", index };
}

/**
 * @param parts.shown hashes of documents that earlier runs have brought.
 * @throws CodedError `integrity_error`, `store_corrupt` if what is stored is damaged.
 */
export async function openRun(
  { index, runId }: RunPlace,
  parts: Parts & { readonly shown: ReadonlySet<string> },
): Promise<OpenedRun> {
  const stored = await storedRun(runId, parts);
  if (stored === null) return { lines: (skip) => withheld(index, skip), repeatable: [] };
  const all = await documentsOf(stored, parts.store);
  const documents = all.filter(({ hash }) => hash === null || !parts.shown.has(hash));
  async function* lines(skip: number): AsyncGenerator<JsonObject> {
    for (const { of, value } of documents.slice(skip)) yield { t: "document", index, of, value };
    yield* evidenceLines(index, stored?.evidence ?? [], Math.max(0, skip - documents.length), parts.content);
  }
  return { lines, repeatable: all.flatMap(({ hash }) => (hash === null ? [] : [hash])) };
}

async function* evidenceLines(
  index: number,
  evidence: readonly Evidence[],
  from: number,
  content: ContentStore,
): AsyncGenerator<JsonObject> {
  const proofAt = proofsOf(evidence);
  for (const one of evidence.slice(from)) {
    const { seq } = one.body;
    const proof = (await proofAt(seq)).map(toBase64);
    const blob = await blobOf(content, one);
    yield { t: "evidence", index, seq, id: one.id, body: plainJson(one.body), proof, ...blob };
  }
}
