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

async function documentsOf({ record, program }: Stored, store: Store): Promise<readonly [string, Json][]> {
  const { journal, limits, payload, trigger, outcome, policyHash } = record;
  const policy = await storedPolicy(store, policyHash);
  return [
    ["input", plainJson({ journal, limits, payload, trigger })],
    ["outcome", plainJson(outcome)],
    ["program", plainJson(program)],
    ...(policy === null ? [] : [["policy", policy] as [string, Json]]),
  ];
}

/**
 * @param skip lines that were given out already.
 * @throws CodedError `integrity_error`, `store_corrupt` if what is stored is damaged.
 */
export async function* runLines(place: RunPlace, skip: number, parts: Parts): AsyncGenerator<JsonObject> {
  const { index, runId } = place;
  const stored = await storedRun(runId, parts);
  if (stored === null) {
    if (skip === 0) yield { t: "withheld", index };
    return;
  }
  const documents = await documentsOf(stored, parts.store);
  for (const [of, value] of documents.slice(skip)) yield { t: "document", index, of, value };
  const proofAt = proofsOf(stored.evidence);
  const from = Math.max(0, skip - documents.length);
  for (let seq = from; seq < stored.evidence.length; seq++) {
    const one = stored.evidence[seq];
    if (one === undefined) return;
    const proof = (await proofAt(seq)).map(toBase64);
    const blob = await blobOf(parts.content, one);
    yield { t: "evidence", index, seq, id: one.id, body: plainJson(one.body), proof, ...blob };
  }
}
