import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import { pae, signStatement } from "../../firmware/core/dsse.ts";
import { verifyEnvelope } from "../../firmware/core/dsse-verify.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { type KeyRecord, keyIdOf } from "../../firmware/core/key-record.ts";
import { keyProblem } from "../../firmware/core/key-use.ts";
import { assertNotOlder, loadAuthority, readAuthority } from "../../firmware/fleet/index.ts";
import type { Files } from "../../firmware/ports/files.ts";
import { keyRecord } from "../fleet/device.ts";

const pair = keyPairFromSeed(new Uint8Array(32).fill(1));
const other = keyPairFromSeed(new Uint8Array(32).fill(2));
const TYPE = "application/vnd.imu.command+json";

function codeOfThrown(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "nothing thrown";
}

const list = (keys: readonly unknown[], changes: Record<string, unknown> = {}): Uint8Array =>
  utf8(
    canonicalize({
      schema: "imu.authority/1",
      version: 3,
      issuedAt: 1,
      expiresAt: 2,
      fleet: "plant",
      keys,
      ...changes,
    }),
  );

describe("the authority list", () => {
  const key = keyRecord(pair, ["command", "deploy"]);

  it("is read with its keys by key id", () => {
    const authority = readAuthority(list([key, keyRecord(other, [])]), "plant");
    expect(authority.keys.get(key.keyId)).toEqual(key);
    expect([authority.version, authority.keys.size]).toEqual([3, 2]);
  });

  it.each<[string, unknown, string]>([
    ["an id that is not its key's", { ...key, keyId: keyIdOf(other.publicKeyHex) }, "key_id_mismatch"],
    ["another algorithm", { ...key, alg: "hmac-sha256" }, "algorithm_mismatch"],
    ["an unknown scope", { ...key, scopes: ["root"] }, "malformed"],
    ["a scope in another case", { ...key, scopes: ["Command"] }, "malformed"],
    ["an unknown member", { ...key, note: "" }, "malformed"],
    ["a retirement without its time", { ...key, status: "retired" }, "malformed"],
    ["a revocation without its time", { ...key, status: "revoked" }, "malformed"],
    ["a key that is no object", "k", "malformed"],
  ])("refuses %s", (_name, entry, code) => {
    expect(codeOfThrown(() => readAuthority(list([entry]), "plant"))).toBe(code);
  });

  it("refuses one key twice, another fleet, unknown members, damaged bytes", () => {
    expect(codeOfThrown(() => readAuthority(list([key, key]), "plant"))).toBe("duplicate_key_material");
    expect(codeOfThrown(() => readAuthority(list([]), "other"))).toBe("wrong_fleet");
    expect(codeOfThrown(() => readAuthority(list([], { more: 1 }), "plant"))).toBe("malformed");
    expect(codeOfThrown(() => readAuthority(list([]).subarray(0, 40), "plant"))).toBe("malformed");
  });

  it("never goes back to a smaller version, but accepts the same one again", async () => {
    expect(codeOfThrown(() => assertNotOlder(4, { version: 3 }))).toBe("list_rollback");
    const files: Pick<Files, "read"> = { read: async () => list([key]) };
    const load = (accepted: number | null) => loadAuthority(files as Files, "a.json", "plant", accepted);
    expect((await load(3)).version).toBe(3);
    expect((await load(null)).version).toBe(3);
    await expect(load(4)).rejects.toMatchObject({ code: "list_rollback" });
  });
});

describe("the use of a key", () => {
  const key: KeyRecord = { ...keyRecord(pair, []), notBefore: 100, expiresAt: 1000 };
  const revoked: KeyRecord = { ...key, status: "revoked", revokedAt: 600 };

  it("ends for new statements when it is retired, while old ones stay verifiable", () => {
    const retired: KeyRecord = { ...key, status: "retired", retiredAt: 600 };
    expect(keyProblem(retired, { purpose: "now", now: 500 })).toBe("key_retired");
    expect(keyProblem(retired, { purpose: "history", signedAt: 600 })).toBeNull();
    expect(keyProblem(retired, { purpose: "history", signedAt: 601 })).toBe("key_retired");
  });

  it("does not believe the signing time of a revoked key, only the ledger's", () => {
    expect(keyProblem(revoked, { purpose: "history", signedAt: 1 })).toBe("key_revoked");
    expect(keyProblem(revoked, { purpose: "history", signedAt: 1, ledgerTime: 599 })).toBeNull();
    expect(keyProblem(revoked, { purpose: "history", signedAt: 1, ledgerTime: 600 })).toBe("key_revoked");
    expect(keyProblem(revoked, { purpose: "now", now: 500 })).toBe("key_revoked");
  });

  it("includes both ends of its validity", () => {
    const at = (now: number) => keyProblem(key, { purpose: "now", now });
    expect([at(99), at(100), at(1000), at(1001)]).toEqual(["key_not_yet_valid", null, null, "key_expired"]);
  });
});

describe("an envelope", () => {
  const keys = new Map([
    [keyIdOf(pair.publicKeyHex), { publicKey: pair.publicKeyHex }],
    [keyIdOf(other.publicKeyHex), { publicKey: other.publicKeyHex }],
  ]);
  const signer = { keyId: keyIdOf(pair.publicKeyHex), pair };
  const verify = (value: unknown, k = 1) => verifyEnvelope(value, { expectedType: TYPE, keys, k });
  const envelope = signStatement(TYPE, { a: 1 }, [signer]);

  it("verifies, and says who signed", () => {
    const result = verify(envelope);
    expect(result.ok && [result.statement, result.signers.length]).toEqual([{ a: 1 }, 1]);
  });

  it("refuses altered bytes as a bad signature, never as an unknown key", () => {
    const payload = Buffer.from('{"a":2}').toString("base64");
    expect(verify({ ...envelope, payload })).toMatchObject({ code: "bad_signature" });
    expect(verify({ ...envelope, signatures: [] })).toMatchObject({ code: "missing_signature" });
    expect(verify({ ...envelope, payloadType: "x" })).toMatchObject({ code: "payload_type_mismatch" });
  });

  it("counts one public key under two ids as one signer", () => {
    const twice = new Map([...keys, ["second-name", { publicKey: pair.publicKeyHex }]]);
    const [signature] = envelope.signatures;
    const signatures = [signature, { ...signature, keyid: "second-name" }];
    const options = { expectedType: TYPE, keys: twice, k: 2 };
    expect(verifyEnvelope({ ...envelope, signatures }, options)).toMatchObject({
      code: "threshold_not_met",
      details: { need: 2, have: 1 },
    });
  });

  it("refuses a threshold below one instead of passing everything", () => {
    expect(verify(envelope, 0)).toMatchObject({ code: "quorum_misconfigured" });
  });

  it.each([
    ["members out of order", '{"b":1,"a":2}'],
    ["white space", '{ "a":1}'],
    ["a member twice", '{"a":1,"a":1}'],
    ["another form of a number", '{"a":1.0}'],
  ])("refuses a signed payload with %s", (_name, text) => {
    const payload = utf8(text);
    const sig = Buffer.from(pair.sign(pae(TYPE, payload))).toString("base64");
    const signatures = [{ keyid: signer.keyId, sig }];
    const value = { payloadType: TYPE, payload: Buffer.from(payload).toString("base64"), signatures };
    expect(verify(value)).toMatchObject({ ok: false, code: "payload_not_canonical" });
  });

  it.each([
    ["no object", 7],
    ["an unknown member", { ...envelope, more: 1 }],
    ["bare base64 without padding", { ...envelope, payload: "eyJhIjoxfQ" }],
    ["seventeen signatures", { ...envelope, signatures: new Array(17).fill(envelope.signatures[0]) }],
    ["a payload over the limit", { ...envelope, payload: "A".repeat(100_000) }],
  ])("refuses %s as malformed", (_name, value) => {
    expect(verify(value)).toMatchObject({ ok: false, code: "malformed" });
  });
});
