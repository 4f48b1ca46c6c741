/** One evidence record: whose it is, that it is unaltered, and that its run's entry names it (evidence.md 1, ledger.md 4). */
import { fromHex, sha256Hex } from "./bytes.ts";
import { type Code, type Details, refuse } from "./codes.ts";
import { hashJson, hasMembers, isHash, isIndex, isObject, type Json, type JsonObject, jcs } from "./json.ts";
import { LIMITS } from "./limits.ts";
import { leafHash, verifyInclusion } from "./merkle.ts";

const MEMBERS =
  "v kind source deviceId subject runId seq ts bootId monoMs ttlMs trust sha256 payload? parents policyHash";

/** What the run's ledger entry states, believed since the entry is in the signed tree. */
export interface RunFacts {
  readonly device: string;
  readonly runId: string;
  readonly subject: string;
  readonly evidenceRoot: Uint8Array;
  readonly evidenceCount: number;
}

const isText = (value: Json | undefined): value is string => typeof value === "string";

export function isBody(body: Json | undefined): body is JsonObject {
  if (!isObject(body) || !hasMembers(body, MEMBERS)) return false;
  const { trust, parents } = body;
  return (
    body.v === 1 &&
    [body.kind, body.source, body.deviceId, body.subject, body.bootId, body.policyHash].every(isText) &&
    isHash(body.sha256) &&
    [body.seq, body.ttlMs].every(isIndex) &&
    [body.ts, body.monoMs].every((time) => typeof time === "number") &&
    typeof trust === "number" &&
    trust >= 0 &&
    trust <= 1 &&
    Array.isArray(parents) &&
    parents.every(isHash)
  );
}

/** Times of validity that the profiles of evidence.md 5 give, ms. */
const TTLS = [
  0, 60_000, 600_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000, 259_200_000, 604_800_000, 1_209_600_000,
  2_592_000_000, 5_184_000_000,
];

/** What was raised, if the original was one of the usual values: enough to name the two changes that pay. */
function diagnose(body: JsonObject, isOriginal: (body: JsonObject) => boolean): [Code, Details] | null {
  const { trust = null, ttlMs = null } = body;
  if (jcs(body).length > LIMITS.diagnosedBytes) return null;
  for (let percent = 0; percent <= 100; percent++) {
    const was = percent / 100;
    if (was < Number(trust) && isOriginal({ ...body, trust: was }))
      return ["trust_raised", { was, is: Number(trust) }];
  }
  for (const was of TTLS) {
    if (was < Number(ttlMs) && isOriginal({ ...body, ttlMs: was }))
      return ["freshness_extended", { was, is: Number(ttlMs) }];
  }
  return null;
}

function checkOwner(body: JsonObject, seq: number, facts: RunFacts): void {
  const { deviceId = null, runId = null, subject = null } = body;
  if (deviceId !== facts.device) refuse("evidence_foreign", { device: String(deviceId) });
  if (runId !== facts.runId || subject !== facts.subject || body.seq !== seq) {
    refuse("evidence_swapped", { run: String(runId), subject: String(subject), seq: Number(body.seq) });
  }
}

/**
 * @param mayDiagnose whether to look closely at an altered record, which costs about a hundred hashes.
 * @returns the digest and kind of a sound record.
 * @throws Refused `evidence_malformed`, `evidence_foreign`, `evidence_swapped`, `trust_raised`, `freshness_extended`,
 *   `evidence_id_mismatch`, `evidence_not_included`, `digest_mismatch`.
 */
export function checkEvidence(
  line: { readonly seq: number; readonly id: string; readonly body: Json | undefined },
  proof: readonly Uint8Array[],
  facts: RunFacts,
  mayDiagnose: boolean,
): { readonly kind: string; readonly sha256: string; readonly isInline: boolean } {
  const { seq, id, body } = line;
  if (!isBody(body)) refuse("evidence_malformed");
  checkOwner(body, seq, facts);
  const holds = (leaf: string): boolean => {
    const bytes = fromHex(leaf);
    return (
      bytes !== null && verifyInclusion(seq, facts.evidenceCount, leafHash(bytes), proof, facts.evidenceRoot)
    );
  };
  const own = hashJson(body);
  if (own !== id || !holds(own)) {
    const isOriginal = (changed: JsonObject): boolean => {
      const hash = hashJson(changed);
      return own === id ? holds(hash) : hash === id;
    };
    const [code, details] = (mayDiagnose ? diagnose(body, isOriginal) : null) ?? [
      own === id ? "evidence_not_included" : "evidence_id_mismatch",
      {},
    ];
    refuse(code, details);
  }
  const { payload, sha256, kind } = body;
  if (payload !== undefined && sha256Hex(jcs(payload)) !== sha256) refuse("digest_mismatch");
  return { kind: String(kind), sha256: String(sha256), isInline: payload !== undefined };
}
