/** I16: entries of the ledger, those that are kept for ever among them, are proved by the checkpoints that cover them. */
import { compareBytes } from "../../../firmware/core/bytes.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import type { JsonObject } from "../../../firmware/core/json.ts";
import { storedNotes } from "./checkpoint-claims.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import { anchorOf } from "./ledger-chain.ts";
import { sampled } from "./sampling.ts";
import { Prover, storedRoot } from "./stored-tree.ts";
import { includes, leafOf, type Tree } from "./tree-check.ts";

/** Entries that are looked at, those that are kept for ever apart. */
const SAMPLED_ENTRIES = 24;
/** Trees that each of them is proved in. */
const SAMPLED_TREES = 3;

type Say = (what: string, details: JsonObject) => void;

interface Leaf {
  readonly index: number;
  readonly hash: Uint8Array;
}

async function keptLeaves({ store, epoch }: DeviceFacts): Promise<readonly Leaf[]> {
  const leaves: Leaf[] = [];
  for await (const [key, row] of store.range(ledgerSub("lgkeep", epoch))) {
    const { entry } = decodeCbor(row) as { readonly entry?: unknown };
    if (entry instanceof Uint8Array) leaves.push({ index: Number(key), hash: leafOf(entry) });
  }
  return leaves;
}

async function signedTrees(facts: DeviceFacts): Promise<readonly Tree[]> {
  const notes = await storedNotes(facts);
  return notes.flatMap(({ size, claim }) =>
    claim?.isSigned === true && claim.size === size && size > 0 ? [{ size, root: claim.root }] : [],
  );
}

async function checkLeaf(leaf: Leaf, tree: Tree, prover: Prover, say: Say): Promise<void> {
  const proof = await prover.inclusion(leaf.index, tree.size);
  const where = { index: leaf.index, size: tree.size };
  if ("refused" in proof)
    say("An entry has no proof in a checkpoint that covers it.", { ...where, code: proof.refused });
  else if (!includes(leaf.index, tree.size, leaf.hash, proof.hashes, tree.root))
    say("The proof of an entry does not lead to the root of its checkpoint.", where);
}

/** The hashes inside the tree, as far as they are stored, give the roots that were signed. */
async function checkRoots(facts: DeviceFacts, trees: readonly Tree[], say: Say): Promise<void> {
  for (const { size, root } of trees) {
    const stored = await storedRoot(facts, facts.epoch, size);
    if (stored !== null && compareBytes(stored, root) !== 0)
      say("The stored hashes of the tree do not give the root of a checkpoint.", { size });
  }
}

export const proofInvariant: Invariant = {
  id: "I16",
  async check(context) {
    for (const facts of context.facts) {
      // Rows that the disk has eaten prove nothing; that it did is told by the scenario.
      if (!facts.device.isDiskHonest) continue;
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I16", what, actor, details });
      const prover = await Prover.of(facts);
      if (prover === null) continue;
      const trees = await signedTrees(facts);
      await checkRoots(facts, sampled(trees, SAMPLED_ENTRIES), say);
      const { index: pruned } = await anchorOf(facts.store, facts.epoch);
      const entries = facts.entries.map(({ index, bytes }) => ({ index, hash: leafOf(bytes) }));
      const leaves = [
        ...sampled(entries, SAMPLED_ENTRIES),
        ...sampled(await keptLeaves(facts), SAMPLED_ENTRIES),
      ];
      for (const leaf of leaves) {
        // Of smaller trees than the pruned part only the full tiles are left.
        const over = trees.filter(({ size }) => size > leaf.index && size >= pruned);
        for (const tree of sampled(over, SAMPLED_TREES)) await checkLeaf(leaf, tree, prover, say);
      }
    }
  },
};
