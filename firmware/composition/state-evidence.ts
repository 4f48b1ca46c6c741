/** Showing recorded evidence with what can be checked about it here and now. */
import { equalConstantTime, fromUtf8, toHex, utf8 } from "../core/bytes.ts";
import { jcs } from "../core/canonical-json.ts";
import { CodedError } from "../core/errors.ts";
import { sha256Hex } from "../core/hash.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { JSON_LIMITS } from "../core/limits.ts";
import { parseJsonText } from "../core/parse-json.ts";
import { type ContentStore, evidenceId, type Sealer, sealMac } from "../evidence/index.ts";
import type { Evidence } from "../evidence/types.ts";

/** `intact`: digest and id are right. Else the reason of evidence.md 1. */
type Integrity = "intact" | "missing_object" | "digest_mismatch" | "id_mismatch";
/** `unchecked` where the sealing key is not at hand; `foreign` for evidence another device sealed. */
type SealState = "good" | "bad_seal" | "unchecked" | "foreign";

type Blob = Uint8Array | "missing_object" | "digest_mismatch";

/** A damaged blob is set aside by a running daemon; of a stopped one's state nothing is changed (`state_read_only`). */
async function blobOf(content: ContentStore, sha256: string): Promise<Blob> {
  try {
    return await content.get(sha256);
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    if (error.code === "not_found") return "missing_object";
    if (error.code === "integrity_error" || error.code === "state_read_only") return "digest_mismatch";
    throw error;
  }
}

/** JSON where it is JSON, else octets in the form of vm.md 3. */
function readable(bytes: Uint8Array): Json {
  try {
    return parseJsonText(fromUtf8(bytes), { maxBytes: bytes.length, maxDepth: JSON_LIMITS.storedDepth });
  } catch (error) {
    if (error instanceof CodedError) return { $bytes: toHex(bytes) };
    throw error;
  }
}

function integrityOf({ id, body }: Evidence, blob: Blob | null): Integrity {
  if (typeof blob === "string") return blob;
  const digest = sha256Hex(blob ?? jcs(body.payload ?? null));
  if (digest !== body.sha256) return "digest_mismatch";
  return evidenceId(body) === id ? "intact" : "id_mismatch";
}

function sealOf({ body, seal }: Evidence, sealer: Sealer | null): SealState {
  if (sealer === null) return "unchecked";
  if (seal.kid !== sealer.kid) return "foreign";
  return equalConstantTime(utf8(sealMac(sealer.key, body)), utf8(seal.mac)) ? "good" : "bad_seal";
}

async function shown(content: ContentStore, evidence: Evidence, sealer: Sealer | null): Promise<JsonObject> {
  const { id, body, seal } = evidence;
  const blob = body.payload === undefined ? await blobOf(content, body.sha256) : null;
  const payload = blob instanceof Uint8Array ? readable(blob) : (body.payload ?? null);
  return {
    id,
    ...body,
    parents: [...body.parents],
    payload,
    kid: seal.kid,
    integrity: integrityOf(evidence, blob),
    seal: sealOf(evidence, sealer),
  };
}

/** @throws CodedError `not_found` (404), `store_corrupt`. */
export async function showEvidence(
  content: ContentStore,
  id: string,
  sealer: Sealer | null,
): Promise<JsonObject> {
  const evidence = await content.evidence(id);
  if (!evidence)
    throw new CodedError("not_found", `There is no evidence ${id}.`, { status: 404, details: { id } });
  return { evidence: [await shown(content, evidence, sealer)] };
}

/** All evidence of a run in order of recording. @throws CodedError `not_found` (404), `store_corrupt`. */
export async function showRunEvidence(
  content: ContentStore,
  runId: string,
  sealer: Sealer | null,
): Promise<JsonObject> {
  const list = await content.evidenceOfRun(runId);
  if (list.length === 0) {
    throw new CodedError("not_found", `There is no evidence of a run ${runId}.`, {
      status: 404,
      details: { runId },
    });
  }
  const rows: JsonObject[] = [];
  for (const evidence of list) rows.push(await shown(content, evidence, sealer));
  return { runId, evidence: rows };
}
