import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import { type KeyFileFacts, keyFileProblem } from "../../firmware/core/key-file.ts";
import { deriveSealKey, seal, unseal } from "../../firmware/core/seal.ts";

const master = new Uint8Array(32).fill(1);
const key = deriveSealKey(master, "kv", "device");
const place = { sublevel: "sealed", key: "token" };
const nonce = new Uint8Array(12).fill(9);

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
  return "opened";
}

describe("a sealed object", () => {
  it("opens in its place under its key", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (plain) => {
        expect(unseal([key], place, seal(key, place, nonce, plain))).toEqual(plain);
      }),
    );
  });

  it("does not open in another place or under another master", () => {
    const sealed = seal(key, place, nonce, utf8("secret"));
    const stranger = deriveSealKey(new Uint8Array(32).fill(2), "kv", "device");
    expect(codeOf(() => unseal([key], { ...place, key: "other" }, sealed))).toBe("seal_bad_tag");
    expect(codeOf(() => unseal([key], { ...place, sublevel: "other" }, sealed))).toBe("seal_bad_tag");
    expect(codeOf(() => unseal([stranger], place, sealed))).toBe("seal_unknown_key");
  });

  it("never opens with any bit of it changed, and never looks absent", () => {
    const sealed = seal(key, place, nonce, utf8("secret"));
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const damaged = sealed.slice();
      damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(codeOf(() => unseal([key], place, damaged))).toMatch(/^seal_(bad_tag|unknown_key)$/);
    }
  });

  it("stays readable while the old master is kept", () => {
    const fresh = deriveSealKey(new Uint8Array(32).fill(3), "kv", "device");
    const sealed = seal(key, place, nonce, utf8("old"));
    expect(unseal([fresh, key], place, sealed)).toEqual(utf8("old"));
  });
});

describe("a key file", () => {
  const facts: KeyFileFacts = {
    path: "/var/lib/imud/keys/master.key",
    directory: "/var/lib/imud/keys",
    exists: true,
    isRegularFile: true,
    ownedByDaemon: true,
    mode: 0o600,
    directoryMode: 0o700,
    bytes: 32,
    expectedBytes: 32,
  };

  it("is accepted at 0600 and stricter", () => {
    expect(keyFileProblem(facts)).toBeNull();
    expect(keyFileProblem({ ...facts, mode: 0o400 })).toBeNull();
  });

  it.each<[string, Partial<KeyFileFacts>, string]>([
    ["missing", { exists: false }, "key_missing"],
    ["readable by the group", { mode: 0o640 }, "key_permissions"],
    ["a link", { isRegularFile: false }, "key_permissions"],
    ["of another owner", { ownedByDaemon: false }, "key_permissions"],
    ["in a directory others may write", { directoryMode: 0o777 }, "key_permissions"],
    ["too short", { bytes: 31 }, "key_malformed"],
    ["empty", { bytes: 0, expectedBytes: null }, "key_malformed"],
  ])("is refused when it is %s", (_name, change, code) => {
    expect(keyFileProblem({ ...facts, ...change })?.code).toBe(code);
  });

  it("names the exact commands that put it right", () => {
    const problem = keyFileProblem({ ...facts, ownedByDaemon: false, mode: 0o644 });
    expect(problem?.details.commands).toEqual([
      "chown imud /var/lib/imud/keys/master.key",
      "chmod 600 /var/lib/imud/keys/master.key",
    ]);
  });
});
