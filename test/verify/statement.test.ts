/** Statements that carry their own signature: receipts and proof bundles, judged by the device's key alone. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { type DsseEnvelope, signStatement } from "../../firmware/core/dsse.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { deviceIdOf, keyIdOf } from "../../firmware/core/key-record.ts";
import { buildProofBundle, RunEvidence, SourceRegistry } from "../../firmware/evidence/index.ts";
import { verify } from "../../verify/index.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { strangerKey } from "./tampered.ts";

const pair = keyPairFromSeed(new Uint8Array(32).fill(0x21));
const device = deviceIdOf(pair.publicKeyHex);
const RECEIPT = "application/vnd.imu.receipt+json";
const BUNDLE = "application/vnd.imu.proof-bundle+json";

const sign = (type: string, payload: unknown): DsseEnvelope =>
  signStatement(type, payload, [{ keyId: keyIdOf(pair.publicKeyHex), pair }]);
const judged = (envelope: unknown, key = pair.publicKeyHex) =>
  verify(utf8(`${JSON.stringify(envelope)}\n`), { keys: [key], nowSec: 0 });

const receipt = { schema: "imu.receipt/1", device, outcome: "done" };

function bundle(): Record<string, unknown> {
  const evidence = new RunEvidence({
    runId: "r1",
    subject: "program:look",
    deviceId: device,
    policyHash: "c".repeat(64),
    clock: new ManualClock(),
    sources: new SourceRegistry({ simulated: false }),
    sealer: { kid: "k", key: new Uint8Array(32) },
    maxPerRun: 8,
  });
  const { id } = evidence.record({ kind: "sensor_reading", source: "i2c://1/0x76", payload: { value: 20 } });
  const claim = {
    id: "c",
    type: "reading",
    text: "t",
    schema: { type: "boolean" as const },
    value: true,
    evidence: [id],
  };
  const facts = { deviceId: device, subject: "program:look", runId: "r1", policyHash: "c".repeat(64) };
  const built = buildProofBundle({
    ...facts,
    ts: 1,
    trust: 1,
    score: 1,
    ledger: null,
    claims: [claim],
    response: utf8("ok"),
    evidence: (wanted) => evidence.get(wanted),
  });
  return { ...built };
}

describe("a signed statement", () => {
  test("is proven by the device's key", async () => {
    expect(await judged(sign(RECEIPT, receipt))).toMatchObject({
      verdict: "verified",
      format: RECEIPT,
      signedBy: device,
    });
  });

  test("carries its evidence", async () => {
    const report = await judged(sign(BUNDLE, bundle()));

    expect(report).toMatchObject({ verdict: "verified", counts: { statement: 1, evidence: 1 } });
  });

  test.each([
    ["of another type than was signed", { ...sign(RECEIPT, receipt), payloadType: BUNDLE }, "bad_signature"],
    ["with another payload", { ...sign(RECEIPT, receipt), payload: "e30=" }, "bad_signature"],
    ["without signatures", { ...sign(RECEIPT, receipt), signatures: [] }, "wrong_key"],
    ["that speaks for another device", sign(RECEIPT, { ...receipt, device: "imu-0" }), "wrong_device"],
    ["with a member more", { ...sign(RECEIPT, receipt), x: 1 }, "bad_envelope"],
    ["whose payload is no base64", { ...sign(RECEIPT, receipt), payload: "!" }, "bad_envelope"],
    [
      "with a record that does not hash to its id",
      sign(BUNDLE, {
        ...bundle(),
        evidence: [{ id: "0".repeat(64), body: (bundle().evidence as { body: unknown }[])[0]?.body }],
      }),
      "evidence_id_mismatch",
    ],
    ["with evidence that is none", sign(BUNDLE, { ...bundle(), evidence: [1] }), "evidence_malformed"],
  ])("%s is refused", async (_, envelope, code) => {
    const report = await judged(envelope);

    expect(report.verdict).not.toBe("verified");
    expect(report.code).toBe(code);
  });

  test("of a stranger proves nothing", async () => {
    expect(await judged(sign(RECEIPT, receipt), strangerKey.publicKeyHex)).toMatchObject({
      verdict: "unproven",
      code: "wrong_key",
    });
  });
});
