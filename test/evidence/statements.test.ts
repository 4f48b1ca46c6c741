import { describe, expect, it } from "vitest";
import { toBase64, utf8 } from "../../firmware/core/bytes.ts";
import { type DsseEnvelope, pae, signStatement } from "../../firmware/core/dsse.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { sha256Hex } from "../../firmware/core/hash.ts";
import {
  ARTIFACT_MANIFEST_TYPE,
  type BundleKey,
  buildProofBundle,
  type Claim,
  checkGrounded,
  defaultRequirement,
  OFFICIAL_TYPE,
  officialRecord,
  PROOF_BUNDLE_TYPE,
  proofHash,
  SourceRegistry,
  type StatementKey,
  verifyBundle,
  verifyManifest,
  verifyOfficial,
} from "../../firmware/evidence/index.ts";
import { reading, readingClaim, startRun } from "./support.ts";

const pair = keyPairFromSeed(new Uint8Array(32).fill(1));
const signer = { keyId: "k1", pair };
const key: StatementKey = { keyId: "k1", publicKey: pair.publicKeyHex, status: "active" };
const NOW = 1_700_000_001_000;

const statement = {
  v: 1,
  sourceId: "grid",
  audience: "*",
  data: { tariff: 3 },
  issuedAt: NOW - 1000,
  expiresAt: NOW + 599_000,
  nonce: "n-1",
};

const official = (envelope: DsseEnvelope, keys: readonly StatementKey[] = [key], threshold = 1) =>
  verifyOfficial(envelope, {
    source: (id) => (id === "grid" ? { threshold, keys } : undefined),
    deviceId: "dev-a",
    fleet: "f1",
    nowMs: NOW,
    seen: () => false,
  });

function signRaw(text: string): DsseEnvelope {
  const payload = utf8(text);
  const sig = toBase64(pair.sign(pae(OFFICIAL_TYPE, payload)));
  return { payloadType: OFFICIAL_TYPE, payload: toBase64(payload), signatures: [{ keyid: "k1", sig }] };
}

describe("official statements", () => {
  it("become evidence that lives no longer than the statement", () => {
    const verdict = official(signStatement(OFFICIAL_TYPE, statement, [signer]));
    if (!verdict.ok) throw new Error(verdict.reason);
    const { body } = startRun().run.record(officialRecord(verdict));
    expect(body).toMatchObject({ source: "official://grid", ttlMs: 599_000, trust: 0.98 });
  });

  it("count one key once, also under two names", () => {
    const envelope = signStatement(OFFICIAL_TYPE, statement, [signer, { keyId: "k2", pair }]);
    expect(official(envelope, [key, { ...key, keyId: "k2" }], 2)).toMatchObject({
      reason: "threshold_not_met",
      details: { need: 2, have: 1 },
    });
  });

  it("never pass under a threshold below one", () => {
    const envelope = signStatement(OFFICIAL_TYPE, statement, [{ ...signer, keyId: "stranger" }]);
    expect(official(envelope, [key], 0)).toMatchObject({ reason: "unknown_key" });
  });

  it.each([
    ["signed but not canonical", signRaw(JSON.stringify(statement)), "payload_not_canonical"],
    ["not JSON", signRaw("{"), "malformed"],
    ["a list", signRaw("[]"), "malformed"],
    ["of another type", { ...signRaw("{}"), payloadType: "text/plain" }, "payload_type_mismatch"],
    ["not base64", { ...signRaw("{}"), payload: "%%%" }, "malformed"],
    ["naming the prototype as source", signRaw('{"sourceId":"__proto__"}'), "unknown_official_source"],
    ["without times", signStatement(OFFICIAL_TYPE, { ...statement, issuedAt: "now" }, [signer]), "malformed"],
    [
      "issued later",
      signStatement(OFFICIAL_TYPE, { ...statement, issuedAt: NOW + 2001 }, [signer]),
      "not_yet_valid",
    ],
  ])("are refused when %s", (_, envelope, reason) => {
    expect(official(envelope)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ["retired", { ...key, status: "retired" as const }, "key_retired"],
    ["expired", { ...key, expiresAt: NOW - 1 }, "key_expired"],
  ])("are refused from a key that is %s", (_, weak, reason) => {
    expect(official(signStatement(OFFICIAL_TYPE, statement, [signer]), [weak])).toMatchObject({ reason });
  });
});

const response = utf8('{"temp":21.5}');
const deviceKey: BundleKey = { ...key, rosterDevice: "imu-0000000000000001", scopes: [] };

function proof(change: object = {}) {
  const { run, clock } = startRun();
  const evidence = run.record(reading(21.5));
  const bundle = buildProofBundle({
    deviceId: "imu-0000000000000001",
    subject: "program:heater",
    runId: "run-1",
    policyHash: "aa".repeat(32),
    ts: clock.wallMs(),
    response,
    claims: [readingClaim(evidence.id, 21.5) as object as Claim],
    evidence: (id) => run.get(id),
    trust: run.sessionTrust(),
    score: 1.75,
    ledger: null,
  });
  const payload = { ...bundle, ...change };
  return { bundle, envelope: signStatement(PROOF_BUNDLE_TYPE, payload, [signer]), nowMs: clock.wallMs() };
}

const verify = (envelope: DsseEnvelope, nowMs: number, keys = [deviceKey], bytes = response) =>
  verifyBundle(envelope, bytes, {
    keys,
    scope: "respond",
    requirement: defaultRequirement("RESPOND"),
    sources: new SourceRegistry(),
    nowMs,
  });

describe("proof bundles", () => {
  it("let anyone with the roster check the answer", () => {
    const { bundle, envelope, nowMs } = proof();
    expect(verify(envelope, nowMs)).toMatchObject({ ok: true, proofHash: proofHash(bundle) });
  });

  it("do not cover another answer, another device or another time", () => {
    const { envelope, nowMs } = proof();
    expect(verify(envelope, nowMs, [deviceKey], utf8('{"temp":99.9}'))).toMatchObject({
      reason: "response_mismatch",
    });
    expect(verify(envelope, nowMs, [{ ...deviceKey, rosterDevice: "imu-2" }])).toMatchObject({
      reason: "device_mismatch",
    });
    expect(verify(envelope, nowMs + 600_001)).toMatchObject({ details: { why: "old" } });
  });

  it("are refused when their contents do not hold together", () => {
    const { bundle } = proof();
    const [first] = bundle.evidence;
    if (!first) throw new Error("the bundle has no evidence");
    const raised = [{ ...first, body: { ...first.body, trust: 1 } }];
    const cases = [
      [{ evidence: raised }, "evidence_id_mismatch"],
      [{ evidence: [] }, "claim_evidence_unknown"],
      [{ evidence: [{ id: first.id }] }, "bundle_invalid"],
      [{ claims: [] }, "claims_required"],
      [{ runId: "run-2" }, "claim_evidence_invalid"],
      [{ v: 2 }, "bundle_invalid"],
    ] as const;
    for (const [change, reason] of cases) {
      const { envelope, nowMs } = proof(change);
      expect(verify(envelope, nowMs)).toMatchObject({ reason });
    }
  });
});

describe("grounded messages", () => {
  it("do not pass on evidence nobody knows", () => {
    const bundle = { text: "x", claims: [{ type: "t", text: "y", evidence: ["e1", "e2"] }] };
    expect(checkGrounded("event", bundle, { resolve: () => undefined })).toMatchObject({
      reason: "not_enough_sources",
      details: { have: 0, need: 1 },
    });
  });

  it("need two sources for a strict principal, whatever the caller asks", () => {
    const bundle = { text: "x", claims: [{ type: "t", text: "y", evidence: ["e1"] }] };
    const resolve = () => ({ origin: "a", content: true, level: 2 }) as const;
    expect(checkGrounded("event", bundle, { resolve, minSources: 0, tier: "strict" })).toMatchObject({
      reason: "not_enough_sources",
      details: { have: 1, need: 2 },
    });
  });
});

describe("artifact manifests", () => {
  const artifact = utf8("program");
  const manifest = {
    v: 1,
    artifactSha256: sha256Hex(artifact),
    evidenceIds: ["e1", "e1"],
    aggTrust: 1,
    createdAt: NOW,
  };
  const judge = (payload: object, bytes = artifact, trust = 0.9) =>
    verifyManifest(signStatement(ARTIFACT_MANIFEST_TYPE, payload, [signer]), bytes, {
      keys: [key],
      threshold: 1,
      nowMs: NOW,
      minTrust: 0.8,
      evidence: (id) =>
        id === "e1" ? { ok: true, trust, origin: "a" } : { ok: false, reason: "missing_meta", details: {} },
    });

  it("are judged by the trust of now, not by the trust they state", () => {
    expect(judge(manifest)).toMatchObject({ ok: true, aggTrust: 0.9 });
    expect(judge(manifest, artifact, 0.79)).toMatchObject({ reason: "low_trust" });
  });

  it("are refused for another artifact, for unknown evidence and without evidence", () => {
    expect(judge(manifest, utf8("programm"))).toMatchObject({ reason: "digest_mismatch" });
    expect(judge({ ...manifest, evidenceIds: ["e1", "e2"] })).toMatchObject({ reason: "missing_meta" });
    expect(judge({ ...manifest, evidenceIds: [] })).toMatchObject({ reason: "low_trust" });
    expect(judge({ ...manifest, evidenceIds: [1] })).toMatchObject({ reason: "malformed" });
  });
});
