/** Faults of the ledger's proofs, checkpoints, rollups and retention. */
import { one, type PlantedFault } from "./fault.ts";

export const LEDGER_FAULTS: readonly PlantedFault[] = [
  {
    name: "lost-node",
    what: "a hash inside the tree is written as zeros if its subtree was begun before the batch, as before a restart",
    changes: one(
      "firmware/ledger/staging.ts",
      "node.level > 0 && nodes.push(node.hash)",
      "node.level > 0 && nodes.push(node.index * 2 ** node.level < state.size ? new Uint8Array(32) : node.hash)",
    ),
    expects: ["I2", "I16", "I17", "I18"],
  },
  {
    name: "early-state",
    what: "checkpoints are signed over entries whose batch is not synced yet, and over those whose batch fails",
    changes: one(
      "firmware/ledger/ledger.ts",
      "      await store.batch([...this.#undo, ...this.#opsOf(staged, group), ...plan.ops], { sync: true });",
      "      const written = store.batch([...this.#undo, ...this.#opsOf(staged, group), ...plan.ops], { sync: true });\n      this.#state = staged.state;\n      await written;",
    ),
    expects: ["I2", "I17"],
  },
  {
    name: "signer-forgets",
    what: "the signer's last tree is not persisted with the note",
    changes: one(
      "firmware/ledger/checkpointer.ts",
      '      put(this.#layout.signed, SINGLE, seal("signed", this.#headKey, body)),\n',
      '      ...(body.size < 0 ? [put(this.#layout.signed, SINGLE, seal("signed", this.#headKey, body))] : []),\n',
    ),
    expects: ["I17"],
  },
  {
    name: "late-rollup",
    what: "a rollup is not written before another entry of its program",
    changes: one(
      "firmware/ledger/rollup-book.ts",
      "actors.has(growing.actor) || actors.has(ALL_ACTORS)",
      "actors.has(ALL_ACTORS)",
    ),
    expects: ["I2"],
  },
  {
    name: "wrong-runs-root",
    what: "a rollup's root is over its runs in another order",
    changes: one(
      "firmware/ledger/rollup-book.ts",
      "    range: growing.range.append(share.leaf),",
      "    range:\n      growing.range.size === 1\n        ? CompactRange.EMPTY.append(share.leaf).append(growing.first.leaf)\n        : growing.range.append(share.leaf),",
    ),
    expects: ["I10"],
  },
  {
    name: "prune-unwitnessed",
    what: "entries are pruned that no witness has signed for, though the fleet has witnesses",
    changes: one(
      "firmware/ledger/log-retention.ts",
      "const rule = { ...limits, logKeys",
      "const rule = { ...limits, quorum: 0, logKeys",
    ),
    expects: ["I18"],
  },
  {
    name: "prune-uncovered",
    what: "bodies are deleted before a checkpoint covers the record of it",
    changes: one(
      "firmware/ledger/ledger.ts",
      "    await this.checkpoint();\n    const times",
      "    const times",
    ),
    expects: ["I18"],
  },
  {
    name: "forgotten-keep",
    what: "the outcomes of releases are pruned like everything else",
    changes: one(
      "firmware/ledger/prune.ts",
      "isKeptForever(read.entry.event.kind))",
      'isKeptForever(read.entry.event.kind) && !read.entry.event.kind.startsWith("policy_"))',
    ),
    expects: ["I18"],
  },
  {
    name: "early-leaves",
    what: "leaf hashes go with their bodies, years before their time",
    changes: one(
      "firmware/ledger/log-retention.ts",
      "Math.min(leavesUntil, minIndex)",
      "Math.max(leavesUntil, minIndex)",
    ),
    expects: ["I18"],
  },
  {
    name: "lost-sibling",
    what: "where leaf hashes go, the siblings that prove what is kept go with them",
    changes: one(
      "firmware/ledger/drop-leaves.ts",
      "Math.floor(index / 2 ** level) ^ 1",
      "Math.floor(index / 2 ** level)",
    ),
    expects: ["I16"],
  },
];
