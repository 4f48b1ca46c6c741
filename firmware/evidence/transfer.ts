/** One run's evidence as one document, for replay and inspection in another state directory. */
import { fromBase64, toBase64 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { hashJson, sha256Hex } from "../core/hash.ts";
import { isJsonObject, type JsonObject, member } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import type { StoreOp } from "../ports/store.ts";
import { type Check, type Failed, failed } from "./check.ts";
import { type ContentStore, stageBlob } from "./content-store.ts";
import { readEvidence } from "./envelope.ts";
import { stageEvidence } from "./stored-evidence.ts";
import type { Evidence } from "./types.ts";

export interface RunEvidenceDocument {
  readonly v: 1;
  readonly runId: string;
  /** In order of recording. */
  readonly evidence: readonly Evidence[];
  /** Base64 by digest: the payloads that are not inline. */
  readonly blobs: Readonly<Record<string, string>>;
}

/**
 * @throws CodedError `not_found`, `integrity_error`, `store_corrupt` if something the run needs cannot be
 * read.
 */
export async function exportRunEvidence(store: ContentStore, runId: string): Promise<RunEvidenceDocument> {
  const evidence = await store.evidenceOfRun(runId);
  const blobs: Record<string, string> = {};
  for (const { body } of evidence) {
    if (body.payload === undefined) blobs[body.sha256] = toBase64(await store.get(body.sha256));
  }
  return { v: 1, runId, evidence, blobs };
}

function readBlob(blobs: JsonObject, sha256: string): Uint8Array | Failed {
  const text = member(blobs, sha256);
  if (typeof text !== "string") return failed("missing_object", { sha256 });
  try {
    const bytes = fromBase64(text);
    return sha256Hex(bytes) === sha256 ? bytes : failed("digest_mismatch", { sha256 });
  } catch (error) {
    if (error instanceof CodedError) return failed("digest_mismatch", { sha256 });
    throw error;
  }
}

function checkRecord(evidence: Evidence, runId: string, seq: number): Failed | null {
  const { id, body } = evidence;
  if (body.runId !== runId || body.seq !== seq) return failed("malformed", { id });
  if (body.payload !== undefined && sha256Hex(jcs(body.payload)) !== body.sha256) {
    return failed("digest_mismatch", { id });
  }
  return hashJson(body) === id ? null : failed("id_mismatch", { id });
}

/**
 * Re-hashes everything and gives the operations that store it. Seals of other devices are opaque and kept as
 * they are. Refusals: malformed, digest_mismatch, id_mismatch, missing_object, too_large.
 */
export function importRunEvidence(document: unknown): Check<{
  readonly runId: string;
  readonly evidence: readonly Evidence[];
  /** Payloads that are not inline, by digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  readonly ops: readonly StoreOp[];
}> {
  if (!isJsonObject(document)) return failed("malformed");
  const { v, runId, evidence: list, blobs } = document;
  if (v !== 1 || typeof runId !== "string" || !Array.isArray(list) || !isJsonObject(blobs)) {
    return failed("malformed");
  }
  if (list.length > EVIDENCE_LIMITS.transferRecords)
    return failed("too_large", { records: list.length, max: EVIDENCE_LIMITS.transferRecords });
  const read: Evidence[] = [];
  const ops: StoreOp[] = [];
  const stored = new Map<string, Uint8Array>();
  try {
    for (const [seq, entry] of list.entries()) {
      const evidence = readEvidence(entry);
      if (!evidence) return failed("malformed", { seq });
      const fault = checkRecord(evidence, runId, seq);
      if (fault) return fault;
      const { sha256, payload } = evidence.body;
      if (payload === undefined && !stored.has(sha256)) {
        const bytes = readBlob(blobs, sha256);
        if ("ok" in bytes) return bytes;
        ops.push(...stageBlob(bytes).ops);
        stored.set(sha256, bytes);
      }
      read.push(evidence);
      ops.push(...stageEvidence(evidence));
    }
  } catch (error) {
    if (error instanceof CodedError) return failed(error.code, error.details);
    throw error;
  }
  return { ok: true, runId, evidence: read, blobs: stored, ops };
}
