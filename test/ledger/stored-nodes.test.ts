/** Which rows take over the hashes of the tree when an entry's body is deleted. */
import { expect, it } from "vitest";
import { utf8 } from "../../firmware/core/bytes.ts";
import { sha256 } from "../../firmware/core/hash.ts";
import { encodeStored } from "../../firmware/ledger/entry.ts";
import { layoutOf } from "../../firmware/ledger/layout.ts";
import { nodeOps } from "../../firmware/ledger/stored-nodes.ts";
import { leafHash } from "../../firmware/ledger/tree.ts";

const body = utf8("an entry");
const node = (n: number): Uint8Array => new Uint8Array(32).fill(n);
const rowsOf = (index: number, ...nodes: Uint8Array[]) =>
  nodeOps(layoutOf(0), index, encodeStored(body, sha256(body), nodes)).map((op) =>
    op.type === "put" ? [op.sub, op.key, op.value] : op,
  );

it("its leaf and the subtrees that it completes", () => {
  expect(rowsOf(6)).toEqual([["lgn", "00!000000000006", leafHash(body)]]);
  expect(rowsOf(3, node(1), node(2))).toEqual([
    ["lgn", "00!000000000003", leafHash(body)],
    ["lgn", "01!000000000001", node(1)],
    ["lgn", "02!000000000000", node(2)],
  ]);
});

it("never one that an entry cannot complete, whatever its row says", () => {
  expect(rowsOf(4, node(1))).toHaveLength(1);
  expect(rowsOf(5, node(1), node(2))).toHaveLength(2);
});

it("none for a row that is no entry", () => {
  expect(nodeOps(layoutOf(0), 3, utf8("damaged"))).toEqual([]);
});
