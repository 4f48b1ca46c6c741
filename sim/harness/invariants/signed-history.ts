/**
 * I17: no two checkpoints that a device ever signed contradict each other, nor the log that it has now. Of an epoch that is
 * over, the later one explains what is missing, and nothing explains another tree of the same size.
 */
import { compareBytes, toHex } from "../../../firmware/core/bytes.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { ledgerSub } from "./epochs.ts";
import type { DeviceFacts } from "./facts.ts";
import type { Invariant, InvariantContext } from "./invariant.ts";
import { anchorOf } from "./ledger-chain.ts";
import { sampled } from "./sampling.ts";
import { printOf, type SignedTree, sentPrints, signedTrees } from "./signed-trees.ts";
import { Prover, storedRoot } from "./stored-tree.ts";
import { extendsTree } from "./tree-check.ts";

/** Checkpoints between which consistency is proved. */
const SAMPLED_TREES = 24;

type Say = (what: string, details: JsonObject) => void;

/** Distinct trees, the smallest first; two of one size are a fork. */
function distinct(trees: readonly SignedTree[], say: Say): readonly SignedTree[] {
  const found: SignedTree[] = [];
  for (const tree of trees) {
    const known = found.findLast(({ epoch, size }) => epoch === tree.epoch && size === tree.size);
    if (known === undefined) found.push(tree);
    else if (compareBytes(known.root, tree.root) !== 0)
      say("A device has signed two trees of one size.", {
        epoch: tree.epoch,
        size: tree.size,
        one: known.by,
        other: tree.by,
      });
  }
  return found;
}

/** Entries of an epoch that the device still accounts for, as its head says. */
async function sizeOf({ store }: DeviceFacts, epoch: number): Promise<number> {
  const row = await store.get(ledgerSub("lghead", epoch), "0");
  const head = row === undefined ? null : decodeCbor(row);
  return isJsonObject(head) && typeof head.size === "number" ? head.size : 0;
}

async function checkAgainstLog(facts: DeviceFacts, trees: readonly SignedTree[], say: Say): Promise<void> {
  const sizes = new Map<number, number>();
  for (const { epoch, size, root, by } of trees) {
    const log = sizes.get(epoch) ?? (await sizeOf(facts, epoch));
    sizes.set(epoch, log);
    const where = { epoch, size, by };
    if (size > log) {
      if (epoch === facts.epoch) say("A device has signed more than its log has.", { ...where, log });
      continue;
    }
    const stored = await storedRoot(facts, epoch, size);
    if (stored !== null && compareBytes(stored, root) !== 0)
      say("A checkpoint that a device once signed contradicts its log.", where);
  }
}

/** Each one is proved to be extended by the next, and the last one by the log of now. */
async function checkProofs(facts: DeviceFacts, trees: readonly SignedTree[], say: Say): Promise<void> {
  const prover = await Prover.of(facts);
  if (prover === null) return;
  const { index } = await anchorOf(facts.store, facts.epoch);
  const own = trees.filter(({ epoch, size }) => epoch === facts.epoch && size > 0 && size >= index);
  const size = await sizeOf(facts, facts.epoch);
  const root = await storedRoot(facts, facts.epoch, size);
  const now = root === null ? [] : [{ size, root }];
  const chosen = [...sampled(own, SAMPLED_TREES), ...now].filter((tree) => tree.size <= size);
  for (const [i, later] of chosen.entries()) {
    const earlier = chosen[i - 1];
    if (earlier === undefined) continue;
    const where = { earlier: earlier.size, later: later.size };
    const proof = await prover.consistency(earlier.size, later.size);
    if ("refused" in proof)
      say("Two checkpoints that can be compared have no proof.", { ...where, code: proof.refused });
    else if (!extendsTree(earlier, later, proof.hashes))
      say("A checkpoint is not proved to extend an earlier one.", where);
  }
}

function checkPrints(
  context: InvariantContext,
  facts: DeviceFacts,
  trees: readonly SignedTree[],
  say: Say,
): void {
  // Without the history of its store a checkpoint that was thinned is not known any more.
  if (facts.device.ledger === undefined) return;
  const bySize = new Map(trees.map((tree) => [`${tree.epoch} ${tree.size}`, tree]));
  for (const { epoch, size, sha256, origin, atUs } of sentPrints(context, facts)) {
    const tree = bySize.get(`${epoch} ${size}`);
    if (tree === undefined) say("A fingerprint was sent of a checkpoint that nobody has.", { size, atUs });
    else if (printOf(origin, tree) !== sha256)
      say("A fingerprint that was sent is that of another tree.", { size, atUs });
  }
}

/** What the signer knows of its last signature is what it has signed last: the next one is judged by it. */
async function checkSigner(facts: DeviceFacts, trees: readonly SignedTree[], say: Say): Promise<void> {
  const last = trees.findLast(({ epoch }) => epoch === facts.epoch);
  if (last === undefined) return;
  const row = await facts.store.get(ledgerSub("lgsigned", facts.epoch), "0");
  const state = row === undefined ? null : decodeCbor(row);
  if (!isJsonObject(state) || state.size !== last.size || state.root !== toHex(last.root))
    say("The signer does not remember the last checkpoint that it has signed.", {
      signed: last.size,
      remembered: isJsonObject(state) ? (state.size ?? null) : null,
    });
}

/** Every epoch but the first says where it comes from. */
async function checkEpochs({ store, epoch }: DeviceFacts, say: Say): Promise<void> {
  for (let at = 1; at <= epoch; at++) {
    const row =
      (await store.get(ledgerSub("lg", at), "0".repeat(12))) ??
      (await store.get(ledgerSub("lgkeep", at), "0".repeat(12)));
    const { entry } = (row === undefined ? {} : decodeCbor(row)) as { readonly entry?: unknown };
    const isSaid = entry instanceof Uint8Array && new TextDecoder().decode(entry).includes('"ledger_epoch"');
    if (!isSaid) say("An epoch does not begin with what explains it.", { epoch: at });
  }
}

export const signedHistoryInvariant: Invariant = {
  id: "I17",
  async check(context) {
    for (const facts of context.facts) {
      // What a disk has lost that said it was there, the device cannot know.
      if (!facts.device.isDiskHonest) continue;
      const actor = facts.device.deviceId;
      const say: Say = (what, details) => context.report({ id: "I17", what, actor, details });
      const trees = distinct(await signedTrees(context, facts), say);
      await checkAgainstLog(facts, trees, say);
      await checkProofs(facts, trees, say);
      checkPrints(context, facts, trees, say);
      await checkSigner(facts, trees, say);
      await checkEpochs(facts, say);
    }
  },
};
