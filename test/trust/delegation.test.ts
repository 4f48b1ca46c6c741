import { describe, expect, it } from "vitest";
import { type DelegatingKey, type DelegationLink, judgeDelegation } from "../../ota/trust/delegation.ts";
import { judgeQuorum, type QuorumKey } from "../../ota/trust/quorum.ts";

const root: DelegatingKey = {
  scopes: ["respond", "command", "delegate"],
  audience: ["imu-a", "group:pumps"],
  notBefore: 0,
  expiresAt: 5000,
  status: "active",
};
const link = (parent: string, child: string, changes: Partial<DelegationLink> = {}): DelegationLink => ({
  parent,
  child,
  scopes: ["respond", "delegate"],
  audience: ["imu-a"],
  notBefore: 0,
  expiresAt: 4000,
  signatureValid: true,
  ...changes,
});
const judge = (chain: readonly Partial<DelegationLink>[], key: DelegatingKey = root) =>
  judgeDelegation({
    authority: new Map([["root", key]]),
    chain,
    now: 1000,
    use: { keyId: "c", scope: "respond" },
  });

describe("a delegation chain", () => {
  it("empowers a key three links away and no further", () => {
    const three = [link("root", "a"), link("a", "b"), link("b", "c")];
    expect(judge(three)).toEqual({ ok: true });
    expect(judge([link("root", "x"), link("x", "a"), link("a", "b"), link("b", "c")])).toMatchObject({
      code: "delegation_too_deep",
    });
  });

  it.each<[string, Partial<DelegationLink>, string]>([
    ["a scope the parent has not", { scopes: ["emergency"] }, "delegation_scope_widened"],
    ["a longer life", { expiresAt: 5001 }, "delegation_outlives_parent"],
    ["a wider audience", { audience: "*" }, "delegation_audience_widened"],
    ["a device of others", { audience: ["imu-a", "imu-b"] }, "delegation_audience_widened"],
    ["a forged signature", { signatureValid: false }, "delegation_bad_signature"],
    ["a key that is already known", { child: "root" }, "delegation_duplicate_key"],
  ])("is refused with %s", (_name, change, code) => {
    expect(judge([link("root", "c", change)])).toMatchObject({ ok: false, code });
  });

  it("lets a child delegate only if it was given that", () => {
    expect(
      judge([link("root", "a", { scopes: ["respond"] }), link("a", "c", { scopes: ["respond"] })]),
    ).toMatchObject({
      code: "delegation_scope_widened",
    });
  });

  it("ends with the key above it", () => {
    expect(judge([link("root", "c")], { ...root, status: "revoked" })).toMatchObject({ code: "key_revoked" });
    expect(judge([link("root", "c")], { ...root, status: "retired" })).toMatchObject({ code: "key_retired" });
  });

  it("refuses a link without its members", () => {
    expect(judge([{ parent: "root" }])).toMatchObject({ code: "delegation_invalid" });
  });
});

describe("a quorum", () => {
  const key: QuorumKey = {
    publicKey: "aa",
    alg: "ed25519",
    scopes: ["deploy"],
    notBefore: 0,
    expiresAt: 2000,
    status: "active",
  };
  const keys = new Map([
    ["a", key],
    ["same", key],
    ["b", { ...key, publicKey: "bb" }],
    ["weak", { ...key, publicKey: "cc", scopes: [] }],
  ]);
  const judgeOf = (ids: readonly string[], k = 2) =>
    judgeQuorum({
      signatures: ids.map((keyId) => ({ keyId, valid: true })),
      keys,
      k,
      now: 1000,
      scope: "deploy",
    });

  it("counts public keys, not ids", () => {
    expect(judgeOf(["a", "same"])).toMatchObject({
      code: "quorum_not_met",
      details: { have: 1, need: 2, reasons: ["same:duplicate_signer"] },
    });
    expect(judgeOf(["a", "b"])).toMatchObject({ ok: true, distinct: 2 });
  });

  it("says why each other signature does not count", () => {
    expect(judgeOf(["weak", "nobody", "a"])).toMatchObject({
      details: { have: 1, reasons: ["weak:scope_missing", "nobody:unknown_key"] },
    });
  });

  it("is misconfigured below one", () => {
    expect(judgeOf(["a"], 0)).toMatchObject({ code: "quorum_misconfigured" });
    expect(judgeOf(["a"], 1.5)).toMatchObject({ code: "quorum_misconfigured" });
  });
});
