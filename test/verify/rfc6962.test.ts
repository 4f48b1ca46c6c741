/** The published test vectors of Certificate Transparency's Merkle tree, and of C2SP signed notes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PACKAGE_ROOT } from "../../firmware/composition/package-info.ts";
import {
  inclusionSpans,
  leafHash as ownLeaf,
  nodeHash as ownNode,
  rootOf,
} from "../../firmware/ledger/index.ts";
import { fromHex, toHex, utf8 } from "../../verify/bytes.ts";
import { verifySignature } from "../../verify/keys.ts";
import {
  GrowingTree,
  InclusionChecker,
  leafHash,
  verifyConsistency,
  verifyInclusion,
} from "../../verify/merkle.ts";
import { parseNote, parseVkey } from "../../verify/notes.ts";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

const LEAVES = [
  "",
  "00",
  "10",
  "2021",
  "3031",
  "40414243",
  "5051525354555657",
  "606162636465666768696a6b6c6d6e6f",
];

/** Roots of the trees of the first 1 to 8 leaves. */
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];
const root = (size: number): Uint8Array => hex(ROOTS[size - 1] ?? "");
const leaf = (index: number): Uint8Array => leafHash(hex(LEAVES[index] ?? ""));

const A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
const B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
const C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
const D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
const E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
const F = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";

/** Index, size, path. */
const PATHS: readonly (readonly [number, number, readonly string[]])[] = [
  [0, 1, []],
  [0, 8, [A, B, C]],
  [5, 8, [D, E, F]],
  [2, 3, [ROOTS[1] ?? ""]],
  [1, 5, [ROOTS[0] ?? "", B, D]],
];

/** Old size, new size, proof. */
const CONSISTENCY: readonly (readonly [number, number, readonly string[]])[] = [
  [1, 1, []],
  [1, 8, [A, B, C]],
  [6, 8, ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", E, F]],
  [2, 5, [B, D]],
];

describe("RFC 6962", () => {
  test("the empty tree and the trees of one to eight leaves have their published roots", () => {
    const tree = GrowingTree.of(0, []);
    expect(toHex(tree?.root() ?? new Uint8Array())).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    for (const [i] of LEAVES.entries()) {
      tree?.append(leaf(i));
      expect(toHex(tree?.root() ?? new Uint8Array())).toBe(ROOTS[i]);
    }
  });

  test.each(PATHS)("the published path of leaf %i in the tree of %i", (index, size, path) => {
    expect(verifyInclusion(index, size, leaf(index), path.map(hex), root(size))).toBe(true);
    expect(verifyInclusion(index, size, leaf(index), [...path.map(hex), leaf(0)], root(size))).toBe(false);
    expect(verifyInclusion(index, size, leaf(7 - index), path.map(hex), root(size))).toBe(false);
    expect(verifyInclusion(index + 1, size, leaf(index), path.map(hex), root(size))).toBe(false);
    expect(verifyInclusion(index, size, leaf(index), path.slice(1).map(hex), root(size))).toBe(
      path.length === 0,
    );
  });

  test.each(CONSISTENCY)("the published proof from %i to %i", (from, to, proof) => {
    expect(verifyConsistency(from, to, root(from), root(to), proof.map(hex))).toBe(true);
    expect(verifyConsistency(from, to, root(to % 8 || 7), root(from), proof.map(hex))).toBe(
      from === to && to % 8 === from,
    );
    expect(verifyConsistency(from, to, root(from), root(to), [...proof.map(hex), root(1)])).toBe(false);
    expect(verifyConsistency(to + 1, to, root(from), root(to), proof.map(hex))).toBe(false);
  });

  test("a proof of any leaf of any tree holds, and only for this leaf", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(), (size, a, b) => {
        const [index, other] = [a % size, b % size];
        const data = Array.from({ length: size }, (_, i) => utf8(`leaf ${i}`));
        const leaves = data.map(ownLeaf);
        // The tree by its definition, which is not how either implementation computes it.
        const mth = (from: number, to: number): Uint8Array => {
          if (to - from === 1) return leaves[from] ?? new Uint8Array();
          let k = 1;
          while (k * 2 < to - from) k *= 2;
          return ownNode(mth(from, from + k), mth(from + k, to));
        };
        const proof = inclusionSpans(index, size).map(([from, to]) => mth(from, to));
        const top = mth(0, size);
        expect(toHex(rootOf(data))).toBe(toHex(top));
        expect(verifyInclusion(index, size, leafHash(data[index] ?? new Uint8Array()), proof, top)).toBe(
          true,
        );
        const isSame = other === index;
        expect(verifyInclusion(other, size, leafHash(data[other] ?? new Uint8Array()), proof, top)).toBe(
          isSame,
        );
      }),
    );
  });
});

test("leaves judged one after the other get the same answer as each alone, whatever is wrong with them", () => {
  const data = Array.from({ length: 23 }, (_, i) => utf8(`leaf ${i}`));
  const leaves = data.map(ownLeaf);
  const mth = (from: number, to: number): Uint8Array => rootOf(data.slice(from, to));
  const root = mth(0, 23);
  const proofs = data.map((_, i) => inclusionSpans(i, 23).map(([from, to]) => mth(from, to)));
  const question = fc.record({
    index: fc.nat({ max: 24 }),
    leaf: fc.nat({ max: 22 }),
    proof: fc.nat({ max: 22 }),
    broken: fc.option(fc.nat({ max: 5 }), { freq: 2 }),
    cut: fc.nat({ max: 1 }),
  });

  fc.assert(
    fc.property(fc.array(question, { maxLength: 30 }), fc.boolean(), (questions, isRight) => {
      const checker = new InclusionChecker(23, root);
      for (const { index, leaf, proof, broken, cut } of questions) {
        const hashes = (proofs[isRight ? index : proof] ?? []).map((hash, i) =>
          i === broken ? leafHash(hash) : hash,
        );
        const given = cut === 1 && !isRight ? hashes.slice(1) : hashes;
        const own = leaves[isRight ? index : leaf] ?? root;
        expect(checker.holds(index, own, given)).toBe(verifyInclusion(index, 23, own, given, root));
      }
    }),
    { numRuns: 500 },
  );
});

test("the published note of C2SP verifies, and not with a changed byte", async () => {
  const vectors = await readFile(join(PACKAGE_ROOT, "test/golden/vectors/tlog.json"), "utf8");
  const { cases } = JSON.parse(vectors) as {
    cases: { given: { note?: string; vkey?: string }; expect: { ok?: boolean } }[];
  };
  const found = cases.find(({ given }) => given.vkey?.startsWith("example.com/foo+530d903a") && given.note);
  const key = parseVkey(found?.given.vkey ?? "");
  const note = parseNote(found?.given.note ?? "");
  const line = note.lines.find(({ keyId }) => keyId === key?.keyId);
  if (key === null || line === undefined) throw new Error("the vector is gone");

  expect(await verifySignature(key, utf8(note.text), line.signature)).toBe(true);
  expect(await verifySignature(key, utf8(`${note.text} `), line.signature)).toBe(false);
});
