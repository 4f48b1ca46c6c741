import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import {
  CompactRange,
  consistencySpans,
  inclusionSpans,
  leafHash,
  type NodeSource,
  nodeHash,
  proofOf,
  rootOf,
  verifyConsistency,
  verifyInclusion,
} from "../../firmware/ledger/index.ts";

const leaves = (count: number): Uint8Array[] => Array.from({ length: count }, (_, n) => utf8(`leaf ${n}`));

/** The definition of RFC 6962 section 2.1, word for word; slow, and independent of the product's compact range. */
function definition(data: readonly Uint8Array[]): Uint8Array {
  const [only] = data;
  if (only === undefined) return rootOf([]);
  if (data.length === 1) return leafHash(only);
  let k = 1;
  while (k * 2 < data.length) k *= 2;
  return nodeHash(definition(data.slice(0, k)), definition(data.slice(k)));
}

function sourceOf(data: readonly Uint8Array[]): NodeSource {
  const nodes = new Map<string, Uint8Array>();
  let range = CompactRange.EMPTY;
  for (const leaf of data) {
    range = range.append(leafHash(leaf), ({ level, index, hash }) => nodes.set(`${level}/${index}`, hash));
  }
  return async (ids) => ids.map(({ level, index }) => nodes.get(`${level}/${index}`));
}

function flipped(hash: Uint8Array, bit: number): Uint8Array {
  const copy = hash.slice();
  const at = bit >> 3;
  copy[at] = (copy[at] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

describe("the tree", () => {
  it("has the root of the definition at every size up to 70", () => {
    for (let size = 0; size <= 70; size++) expect(rootOf(leaves(size))).toEqual(definition(leaves(size)));
  });

  it("proves consistency of all m < n <= 33, and of no other old root", async () => {
    const source = sourceOf(leaves(33));
    const roots = Array.from({ length: 34 }, (_, size) => rootOf(leaves(size)));
    for (let n = 1; n <= 33; n++) {
      for (let m = 1; m < n; m++) {
        const [oldRoot, newRoot, wrong] = [roots[m], roots[n], roots[m - 1]];
        if (!oldRoot || !newRoot || !wrong) throw new Error("unreachable");
        const proof = await proofOf(consistencySpans(m, n), source);
        expect(verifyConsistency(m, n, oldRoot, newRoot, proof), `${m} of ${n}`).toBe(true);
        expect(verifyConsistency(m, n, wrong, newRoot, proof), `${m} of ${n}`).toBe(false);
        expect(verifyConsistency(m, n, oldRoot, wrong, proof), `${m} of ${n}`).toBe(false);
      }
    }
  });

  it("proves inclusion in random trees, and no single flipped bit passes", async () => {
    const arbitrary = fc.record({
      size: fc.integer({ min: 1, max: 300 }),
      at: fc.nat(),
      bit: fc.nat(255),
      pick: fc.nat(),
    });
    await fc.assert(
      fc.asyncProperty(arbitrary, async ({ size, at, bit, pick }) => {
        const data = leaves(size);
        const index = at % size;
        const leaf = leafHash(data[index] ?? new Uint8Array());
        const root = rootOf(data);
        const proof = await proofOf(inclusionSpans(index, size), sourceOf(data));
        expect(verifyInclusion(index, size, leaf, proof, root)).toBe(true);
        expect(verifyInclusion(index, size, flipped(leaf, bit), proof, root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, proof, flipped(root, bit))).toBe(false);
        const target = pick % Math.max(1, proof.length);
        const bent = proof.map((hash, i) => (i === target ? flipped(hash, bit) : hash));
        if (proof.length > 0) expect(verifyInclusion(index, size, leaf, bent, root)).toBe(false);
        expect(verifyInclusion(index, size, leaf, [...proof, root], root)).toBe(false);
        if (size > 1) expect(verifyInclusion((index + 1) % size, size, leaf, proof, root)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });

  it("refuses hashes of other lengths and proofs of more than 63 hashes", () => {
    const [leaf = new Uint8Array()] = leaves(1).map(leafHash);
    expect(verifyInclusion(0, 1, leaf.slice(1), [], leaf.slice(1))).toBe(false);
    expect(
      verifyInclusion(
        0,
        2,
        leaf,
        Array.from({ length: 64 }, () => leaf),
        leaf,
      ),
    ).toBe(false);
    expect(verifyConsistency(1, 2, leaf, leaf, [leaf.slice(1)])).toBe(false);
  });
});
