/**
 * Binds an answer to its proof; a verifier needs the bundle, the response and the roster (evidence.md 13).
 */
import type { DsseEnvelope } from "../core/dsse.ts";
import { hashJson, sha256Hex } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import type { Scope } from "../core/key-record.ts";
import { type AssessedRecord, assess, type GuardRecord } from "./assess.ts";
import { type Check, failed } from "./check.ts";
import { checkClaims } from "./claims.ts";
import { isEvidenceBody } from "./envelope.ts";
import { BUILT_IN_KINDS, type KindTable } from "./kinds.ts";
import { provenanceLevel } from "./level.ts";
import { originOf, parseSource } from "./source.ts";
import type { SourceRegistry } from "./source-registry.ts";
import { openStatement, type StatementKey, verifySigners } from "./statement.ts";
import type { Claim, Evidence, EvidenceBody, Requirement } from "./types.ts";

export const PROOF_BUNDLE_TYPE = "application/vnd.imu.proof-bundle+json";

export interface ProofBundle {
  readonly v: 1;
  readonly deviceId: string;
  readonly subject: string;
  readonly runId: string;
  readonly policyHash: string;
  /** ms since the epoch. */
  readonly ts: number;
  /** Of the exact bytes sent. */
  readonly response: { readonly sha256: string; readonly size: number };
  readonly claims: readonly Claim[];
  readonly evidence: readonly { readonly id: string; readonly body: EvidenceBody }[];
  readonly trust: number;
  readonly score: number;
  readonly ledger: { readonly origin: string; readonly seq: number; readonly hash: string } | null;
}

/** A device key of the roster or an authority key. */
export interface BundleKey extends StatementKey {
  readonly rosterDevice: string | null;
  readonly scopes: readonly Scope[];
}

/** The payload to sign: every evidence that a claim names, in order of first use. */
export function buildProofBundle(
  input: Omit<ProofBundle, "v" | "response" | "evidence"> & {
    readonly response: Uint8Array;
    readonly evidence: (id: string) => Evidence | undefined;
  },
): ProofBundle {
  const ids = new Set(input.claims.flatMap(({ evidence }) => evidence));
  const evidence = [...ids].flatMap((id) => {
    const found = input.evidence(id);
    return found ? [{ id, body: found.body }] : [];
  });
  const response = { sha256: sha256Hex(input.response), size: input.response.length };
  return { ...input, v: 1, response, evidence };
}

/** H(JCS(bundle)). */
export const proofHash = (bundle: unknown): string => hashJson(bundle);

export interface BundleContext {
  readonly keys: readonly BundleKey[];
  /** `respond`, for releases `deploy`. */
  readonly scope: Scope;
  readonly requirement: Requirement;
  readonly sources: SourceRegistry;
  /** ms since the epoch. */
  readonly nowMs: number;
  readonly kinds?: KindTable;
  readonly units?: readonly string[];
}

function readBundle(payload: JsonObject): ProofBundle | null {
  const p: Readonly<Record<string, unknown>> = payload;
  const texts = [p.deviceId, p.subject, p.runId, p.policyHash].every(
    (x) => typeof x === "string" && x !== "",
  );
  const numbers = [p.ts, p.trust, p.score].every((x) => typeof x === "number" && Number.isFinite(x));
  const response = member(payload, "response");
  const sound =
    p.v === 1 &&
    texts &&
    numbers &&
    isJsonObject(response) &&
    typeof response.sha256 === "string" &&
    typeof response.size === "number" &&
    Array.isArray(p.claims) &&
    Array.isArray(p.evidence) &&
    p.evidence.every((e: Json) => isJsonObject(e) && typeof e.id === "string" && isEvidenceBody(e.body)) &&
    (p.ledger === null || isJsonObject(p.ledger));
  return sound ? (payload as object as ProofBundle) : null;
}

/** The device itself, or an authority key with the scope. */
function checkSigner(
  signers: readonly StatementKey[],
  deviceId: Json,
  context: BundleContext,
): string | null {
  const ids = new Set(signers.map(({ keyId }) => keyId));
  const known = context.keys.filter(({ keyId }) => ids.has(keyId));
  if (known.some(({ rosterDevice }) => rosterDevice !== null && rosterDevice === deviceId)) return null;
  if (known.some(({ rosterDevice, scopes }) => rosterDevice === null && scopes.includes(context.scope))) {
    return null;
  }
  return known.some(({ rosterDevice }) => rosterDevice !== null) ? "device_mismatch" : "scope_missing";
}

/** The signature over the bundle stands for the seal, which is opaque to another device. */
function recordOf(id: string, body: EvidenceBody, bundle: ProofBundle, context: BundleContext): GuardRecord {
  const info = context.sources.lookup(body.source);
  const age = context.nowMs - body.ts;
  const inlineSound = body.payload === undefined || hashJson(body.payload) === body.sha256;
  const { deviceId, runId, subject } = bundle;
  const parsed = parseSource(body.source) !== null;
  return {
    id,
    kind: body.kind,
    source: body.source,
    origin: parsed ? originOf(body.source) : body.source,
    foreign: body.deviceId !== deviceId || body.runId !== runId || body.subject !== subject,
    integrity: () => parsed && inlineSound,
    level: () =>
      provenanceLevel({ registered: info.registered, signature: "valid", ageMs: age, future: age < 0 }),
    rawAgeMs: age,
    ts: body.ts,
    ttlMs: body.ttlMs,
    declaredTrust: body.trust,
    sourceTrust: info.trust,
    reputation: 1,
    points: info.points,
    payload: () => body.payload,
  };
}

function checkProof(
  bundle: ProofBundle,
  response: Uint8Array,
  context: BundleContext,
): Check<{ readonly claims: readonly Claim[] }> {
  const { sha256, size } = bundle.response;
  if (size !== response.length || sha256 !== sha256Hex(response)) return failed("response_mismatch");
  const records = new Map<string, AssessedRecord>();
  const kinds = context.kinds ?? BUILT_IN_KINDS;
  for (const { id, body } of bundle.evidence) {
    if (hashJson(body) !== id) return failed("evidence_id_mismatch", { id });
    const record = recordOf(id, body, bundle, context);
    records.set(id, assess(record, { requirement: context.requirement, kinds }));
  }
  return checkClaims({
    effect: "bundle",
    claims: bundle.claims,
    requirement: context.requirement,
    evidence: (id) => records.get(id),
    ...(context.units ? { units: context.units } : {}),
  });
}

/** The checks of evidence.md 13 in their order. */
export function verifyBundle(
  envelope: DsseEnvelope,
  response: Uint8Array,
  context: BundleContext,
): Check<{ readonly proofHash: string; readonly bundle: ProofBundle }> {
  const opened = openStatement(envelope, PROOF_BUNDLE_TYPE);
  if (!opened.ok) return opened;
  const options = { threshold: 1, nowMs: context.nowMs };
  const signed = verifySigners(envelope, opened.bytes, context.keys, options);
  if (!signed.ok) return signed;
  if (!opened.canonical) return failed("payload_not_canonical");
  const unfit = checkSigner(signed.signers, member(opened.payload, "deviceId") ?? null, context);
  if (unfit) return failed(unfit);
  const bundle = readBundle(opened.payload);
  if (!bundle) return failed("bundle_invalid");
  const checked = checkProof(bundle, response, context);
  return checked.ok ? { ok: true, proofHash: sha256Hex(opened.bytes), bundle } : checked;
}
