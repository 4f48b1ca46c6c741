import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { CodedError, codeOf } from "../../firmware/core/errors.ts";
import {
  addCheckpoint,
  CompactRange,
  consistencySpans,
  formatProof,
  formatWitnessRequest,
  leafHash,
  type NodeSource,
  parseNote,
  parseProof,
  parseVkey,
  parseWitnessRequest,
  proofOf,
  rootOf,
  signCheckpoint,
  verifierKey,
  verifyCheckpoint,
  type WitnessContext,
} from "../../firmware/ledger/index.ts";

const log = keyPairFromSeed(new Uint8Array(32).fill(1));
const witness = keyPairFromSeed(new Uint8Array(32).fill(2));
const origin = "imu.invalid/plant/pump-a/0";
const logKey = verifierKey(origin, 1, log.publicKeyHex);
const witnessKey = verifierKey("imu.invalid/plant/pump-b/witness", 4, witness.publicKeyHex);
const data = Array.from({ length: 9 }, (_, n) => utf8(`leaf ${n}`));
const noteAt = (size: number): string =>
  signCheckpoint({ origin, size, root: rootOf(data.slice(0, size)) }, log);
const codeIn = (work: () => unknown): string => {
  try {
    work();
    return "no error";
  } catch (error) {
    return codeOf(error);
  }
};

const context: WitnessContext = {
  keysOf: (name) => (name === origin ? [logKey] : []),
  clockSynced: true,
  nowSec: 1_700_000_000,
  name: witnessKey.name,
  signer: witness,
};

function source(): NodeSource {
  const nodes = new Map<string, Uint8Array>();
  data.reduce(
    (range, leaf) =>
      range.append(leafHash(leaf), ({ level, index, hash }) => nodes.set(`${level}/${index}`, hash)),
    CompactRange.EMPTY,
  );
  return async (ids) => ids.map(({ level, index }) => nodes.get(`${level}/${index}`));
}

describe("notes from outside", () => {
  it("are refused as bad_note or bad_checkpoint, never with another error, whatever byte is changed", () => {
    const bytes = utf8(noteAt(5));
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const bent = bytes.slice();
        bent[at] = value;
        if (bytes[at] === value) return;
        const code = codeIn(() => verifyCheckpoint(bent, { logKeys: [logKey], nowSec: 0 }));
        expect(["bad_note", "bad_checkpoint", "bad_signature", "no_trusted_signature"]).toContain(code);
      }),
    );
  });

  it("are bounded in size and in signatures before they are read", () => {
    const line = noteAt(1).split("\n\n")[1] ?? "";
    expect(parseNote(`text\n\n${line.repeat(32)}`).signatures).toHaveLength(32);
    expect(codeIn(() => parseNote(`text\n\n${line.repeat(33)}`))).toBe("bad_note");
    expect(codeIn(() => parseNote(`${"x".repeat(65_536)}\n\n${line}`))).toBe("bad_note");
    expect(codeIn(() => parseNote(Uint8Array.of(0xff, 0x0a, 0x0a)))).toBe("bad_note");
    expect(codeIn(() => parseNote(`tab\there\n\n${line}`))).toBe("bad_note");
  });

  it("do not count a witness that is the log itself, repeats itself, or signs from the future", () => {
    const self = verifierKey("imu.invalid/plant/pump-a/witness", 4, log.publicKeyHex);
    const answer = addCheckpoint({ old: 0, proof: [], note: noteAt(5) }, null, context);
    const own = addCheckpoint({ old: 0, proof: [], note: noteAt(5) }, null, {
      ...context,
      name: self.name,
      signer: log,
    });
    if (answer.status !== 200 || own.status !== 200) throw new Error("expected two cosignatures");
    const note = noteAt(5) + answer.line + answer.line + own.line;
    const trust = { logKeys: [logKey], witnessKeys: [witnessKey, self] };
    const witnessesAt = (nowSec: number) => verifyCheckpoint(note, { ...trust, nowSec }).witnesses;
    expect(witnessesAt(context.nowSec)).toEqual([witnessKey.name]);
    expect(witnessesAt(context.nowSec - 300)).toEqual([witnessKey.name]);
    expect(witnessesAt(context.nowSec - 301)).toEqual([]);
  });

  it("need a verifier key whose id belongs to it", () => {
    expect(codeIn(() => parseVkey("a+00000000+AQ=="))).toBe("key_malformed");
    expect(codeIn(() => parseVkey("not a key"))).toBe("key_malformed");
  });
});

describe("a witness", () => {
  it("follows a growing log, and answers 409 with its size to a log that went back", async () => {
    const first = addCheckpoint({ old: 0, proof: [], note: noteAt(3) }, null, context);
    if (first.status !== 200) throw new Error("expected 200");
    const proof = await proofOf(consistencySpans(3, 9), source());
    const second = addCheckpoint({ old: 3, proof, note: noteAt(9) }, first.state, context);
    expect(second).toMatchObject({ status: 200, state: { size: 9 } });
    if (second.status !== 200) throw new Error("expected 200");
    expect(addCheckpoint({ old: 3, proof: [], note: noteAt(3) }, second.state, context)).toEqual({
      status: 409,
      size: 9,
    });
  });

  it("keeps both notes of a fork", () => {
    const state = { size: 5, root: rootOf(data.slice(0, 5)), note: noteAt(5) };
    const other = signCheckpoint({ origin, size: 5, root: rootOf(data.slice(1, 6)) }, log);
    expect(addCheckpoint({ old: 5, proof: [], note: other }, state, context)).toEqual({
      status: 422,
      reason: "fork",
      fork: { noteA: state.note, noteB: other },
    });
  });

  it("asks for a proof that is not there, and refuses one that fails", () => {
    const state = { size: 3, root: rootOf(data.slice(0, 3)), note: noteAt(3) };
    const ask = (proof: Uint8Array[]) => addCheckpoint({ old: 3, proof, note: noteAt(9) }, state, context);
    expect(ask([])).toMatchObject({ status: 422, reason: "proof_required" });
    expect(ask([leafHash(utf8("x"))])).toMatchObject({ status: 422, reason: "bad_proof" });
  });

  it("reads its own request format, and nothing else", () => {
    const request = { old: 3, proof: [leafHash(utf8("x"))], note: noteAt(9) };
    expect(parseWitnessRequest(utf8(formatWitnessRequest(request)))).toEqual(request);
    const tooMany = { ...request, proof: Array.from({ length: 64 }, () => leafHash(utf8("x"))) };
    for (const text of [
      "",
      "old 1",
      "old -1\n\nnote",
      "old 01\n\nnote",
      "old 1\n*\n\nnote",
      formatWitnessRequest(tooMany),
    ]) {
      expect(
        codeIn(() => parseWitnessRequest(utf8(text))),
        text.slice(0, 20),
      ).toBe("malformed");
    }
  });
});

describe("a travelling proof", () => {
  it("is read back as it was written, with its untrusted extra", () => {
    const proof = { index: 3, hashes: [leafHash(utf8("x"))], note: noteAt(5), extra: utf8("hello") };
    expect(parseProof(formatProof(proof))).toEqual(proof);
  });

  it("is bad_proof for any truncated text before its note", () => {
    const text = formatProof({ index: 3, hashes: [leafHash(utf8("x"))], note: noteAt(5) });
    const head = text.indexOf("\n\n");
    for (let length = 0; length <= head; length++) {
      expect(() => parseProof(text.slice(0, length))).toThrow(CodedError);
    }
  });
});
