/** The signed list of evidence behind an artifact, judged again at every use (evidence.md 15). */
import type { DsseEnvelope } from "../core/dsse.ts";
import { sha256Hex } from "../core/hash.ts";
import { type JsonObject, member } from "../core/json.ts";
import { EVIDENCE_LIMITS } from "../core/limits.ts";
import { type Check, failed } from "./check.ts";
import { openStatement, type StatementKey, verifySigners } from "./statement.ts";
import { aggregateTrust, meetsTrust, type TrustedWitness } from "./trust.ts";

export const ARTIFACT_MANIFEST_TYPE = "application/vnd.imu.artifact-manifest+json";

export interface ArtifactManifest {
  readonly v: 1;
  readonly artifactSha256: string;
  readonly evidenceIds: readonly string[];
  /** At creation; never believed, always recomputed. */
  readonly aggTrust: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

export interface ManifestContext {
  readonly keys: readonly StatementKey[];
  readonly threshold: number;
  /** ms since the epoch. */
  readonly nowMs: number;
  readonly minTrust: number;
  /** Verifies one record now: its present trust and origin, or why it does not count. */
  readonly evidence: (id: string) => Check<TrustedWitness>;
}

function readManifest(payload: JsonObject): ArtifactManifest | null {
  const artifactSha256 = member(payload, "artifactSha256");
  const ids = member(payload, "evidenceIds");
  const aggTrust = member(payload, "aggTrust");
  const createdAt = member(payload, "createdAt");
  if (member(payload, "v") !== 1 || typeof artifactSha256 !== "string" || !Array.isArray(ids)) return null;
  if (
    typeof aggTrust !== "number" ||
    typeof createdAt !== "number" ||
    ids.length > EVIDENCE_LIMITS.manifestRecords
  )
    return null;
  const evidenceIds = ids.filter((id): id is string => typeof id === "string");
  if (evidenceIds.length !== ids.length) return null;
  return { v: 1, artifactSha256, evidenceIds, aggTrust, createdAt };
}

/**
 * Signature, artifact re-hashed, each evidence verified, trust recomputed now. Naming one record twice adds
 * nothing.
 */
export function verifyManifest(
  envelope: DsseEnvelope,
  artifact: Uint8Array,
  context: ManifestContext,
): Check<{ readonly manifest: ArtifactManifest; readonly aggTrust: number }> {
  const opened = openStatement(envelope, ARTIFACT_MANIFEST_TYPE);
  if (!opened.ok) return opened;
  const signed = verifySigners(envelope, opened.bytes, context.keys, context);
  if (!signed.ok) return signed;
  if (!opened.canonical) return failed("payload_not_canonical");
  const manifest = readManifest(opened.payload);
  if (!manifest) return failed("malformed");
  if (sha256Hex(artifact) !== manifest.artifactSha256) {
    return failed("digest_mismatch", { sha256: manifest.artifactSha256 });
  }
  const witnesses: TrustedWitness[] = [];
  for (const id of new Set(manifest.evidenceIds)) {
    const checked = context.evidence(id);
    if (!checked.ok) return failed(checked.reason, { evidence: id, ...checked.details });
    witnesses.push(checked);
  }
  const aggTrust = aggregateTrust(witnesses);
  if (!meetsTrust(aggTrust, context.minTrust)) {
    return failed("low_trust", { got: aggTrust, need: context.minTrust });
  }
  return { ok: true, manifest, aggTrust };
}
