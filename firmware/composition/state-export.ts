/**
 * One recorded run as one document: record with its journal, program, policy, evidence with its blobs. Enough to replay and
 * inspect the run on any machine. What comes in is re-hashed member by member before anything is stored.
 */

import { storedPolicy } from "../../ota/index.ts";
import { canonicalize } from "../core/canonical-json.ts";
import { CodedError, type Refusal, refusal } from "../core/errors.ts";
import { hashJson } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { FILE_LIMITS } from "../core/limits.ts";
import { type ContentStore, exportRunEvidence, importRunEvidence } from "../evidence/index.ts";
import type { Evidence } from "../evidence/types.ts";
import type { Store, StoreOp } from "../ports/store.ts";
import { type FullRunRecord, RunStore } from "../runs/index.ts";
import { inputHash, outputHash, type ProgramDocument, programHash } from "../vm/index.ts";
import { plainJson } from "./state-params.ts";
import { isRunRecord } from "./state-run-record.ts";

export const RUN_EXPORT_FORMAT = "imu.run-export/1";
/** Of an export file; the largest tier's run with its blobs fits many times. */
export const MAX_EXPORT_BYTES = FILE_LIMITS.exportBytes;
export const MAX_EXPORT_DEPTH = FILE_LIMITS.exportDepth;

const MEMBERS: ReadonlySet<string> = new Set([
  "evidence,format,program,record",
  "evidence,format,policy,program,record",
]);

/** A run whose every hash has been recomputed. */
export interface ExportedRun {
  readonly record: FullRunRecord;
  readonly program: ProgramDocument;
  /** The policy it ran under, not compiled; null if it was not at hand when the run was exported. */
  readonly policy: JsonObject | null;
  readonly evidence: readonly Evidence[];
  /** Payloads of evidence that are not inline, by digest. */
  readonly blobs: ReadonlyMap<string, Uint8Array>;
  /** Stores the evidence. */
  readonly evidenceOps: readonly StoreOp[];
}

/** @throws CodedError `not_found` (404), `integrity_error`, `store_corrupt` if something of the run cannot be read. */
export async function exportRun(store: Store, content: ContentStore, runId: string): Promise<JsonObject> {
  const runs = new RunStore(store, content);
  const record = await runs.read(runId);
  const policy = await storedPolicy(store, record.policyHash);
  return {
    format: RUN_EXPORT_FORMAT,
    record: plainJson(record),
    program: plainJson(await runs.document(record.program.programHash)),
    evidence: plainJson(await exportRunEvidence(content, runId)),
    ...(policy === null ? {} : { policy }),
  };
}

const bad = (code: string, details: JsonObject = {}): Refusal => refusal(code, 422, details);

function hashProblem(record: FullRunRecord, program: JsonObject, policy: JsonObject | null): Refusal | null {
  const pairs: readonly (readonly [code: string, expected: string, got: () => string])[] = [
    ["program_hash_mismatch", record.program.programHash, () => programHash(program)],
    ["input_hash_mismatch", record.inputHash, () => inputHash(record)],
    ["output_hash_mismatch", record.outputHash, () => outputHash(record.outcome)],
    [
      "policy_hash_mismatch",
      record.policyHash,
      () => (policy === null ? record.policyHash : hashJson(policy)),
    ],
  ];
  for (const [code, expected, compute] of pairs) {
    const got = compute();
    if (got !== expected) return bad(code, { expected, got });
  }
  // The names stand in the record for lists; whose they are, the document says.
  const { name, version } = record.program;
  if (name !== program.name || version !== program.version) return bad("program_hash_mismatch", { name });
  return null;
}

/** The record's list and the evidence name the same things in the same order. */
function evidenceProblem(record: FullRunRecord, evidence: readonly Evidence[]): Refusal | null {
  if (canonicalize(record.evidence) !== canonicalize(evidence.map(({ id }) => id))) {
    return bad("evidence_mismatch", { recorded: record.evidence.length, found: evidence.length });
  }
  const { subject, policyHash } = record;
  const stranger = evidence.find(({ body }) => body.subject !== subject || body.policyHash !== policyHash);
  return stranger ? bad("evidence_mismatch", { id: stranger.id }) : null;
}

/**
 * Reads a document of unknown origin. Refusals: malformed, program_hash_mismatch, input_hash_mismatch,
 * output_hash_mismatch, policy_hash_mismatch, evidence_mismatch, and those of `importRunEvidence`.
 */
export function readRunExport(value: Json): ({ readonly ok: true } & ExportedRun) | Refusal {
  if (!isJsonObject(value) || !MEMBERS.has(Object.keys(value).sort().join())) return bad("malformed");
  const { format, record, program, evidence, policy = null } = value;
  if (format !== RUN_EXPORT_FORMAT) return bad("malformed", { member: "format" });
  if (!isRunRecord(record)) return bad("malformed", { member: "record" });
  if (program === undefined || !isJsonObject(program)) return bad("malformed", { member: "program" });
  if (policy !== null && !isJsonObject(policy)) return bad("malformed", { member: "policy" });
  try {
    const problem = hashProblem(record, program, policy);
    if (problem) return problem;
  } catch (error) {
    if (error instanceof CodedError) return bad(error.code, error.details);
    throw error;
  }
  const imported = importRunEvidence(evidence);
  if (!imported.ok) return bad(imported.reason, imported.details);
  if (imported.runId !== record.runId) return bad("evidence_mismatch", { runId: imported.runId });
  const mismatch = evidenceProblem(record, imported.evidence);
  if (mismatch) return mismatch;
  const document = program as JsonObject & ProgramDocument;
  const { evidence: list, blobs, ops } = imported;
  return { ok: true, record, program: document, policy, evidence: list, blobs, evidenceOps: ops };
}

/** Which device recorded the run; null for a run without evidence. */
export const deviceOfRun = (run: ExportedRun): string | null => run.evidence[0]?.body.deviceId ?? null;

/**
 * Stores a run that was read. A device's own state takes only its own runs back: what others ran must not become part
 * of the history that releases are judged by.
 * @param owner id of the device the state belongs to, null for a state that is only looked at.
 * @throws CodedError `wrong_device` (403), `run_exists` (409) if a different run has this id.
 */
export async function importRun(
  store: Store,
  content: ContentStore,
  run: ExportedRun,
  owner: string | null,
): Promise<{ readonly isNew: boolean }> {
  const runs = new RunStore(store, content);
  const { record, program } = run;
  const { runId } = record;
  if (owner !== null && deviceOfRun(run) !== owner) {
    throw new CodedError("wrong_device", `This state belongs to ${owner}, the run to ${deviceOfRun(run)}.`, {
      status: 403,
      details: { owner, remedy: "import it into a new directory with --state." },
    });
  }
  try {
    const known = await runs.read(runId);
    if (canonicalize(known) === canonicalize(record)) return { isNew: false };
    throw new CodedError("run_exists", `A different run ${runId} is stored here already.`, {
      status: 409,
      details: { runId },
    });
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "not_found") throw error;
  }
  const document = runs.stageDocument(record.program.programHash, program);
  await store.batch([...run.evidenceOps, document, ...runs.stage(record).ops], { sync: true });
  return { isNew: true };
}
