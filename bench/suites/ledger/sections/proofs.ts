import { join } from "node:path";
import { LevelStore } from "../../../../firmware/adapters/level-store.ts";
import { jcs } from "../../../../firmware/core/canonical-json.ts";
import type { JsonObject } from "../../../../firmware/core/json.ts";
import { formatProof, leafHash, verifyProof } from "../../../../firmware/ledger/index.ts";
import type { Store } from "../../../../firmware/ports/store.ts";
import { scratch } from "../../../lib/scratch.ts";
import { median, percentile } from "../../../lib/statistics.ts";
import type { Progress } from "../../../lib/suite.ts";
import { openImu } from "../logs/imu.ts";
import type { LedgerSettings } from "../settings.ts";

export interface Spread {
  readonly median: number;
  readonly p99: number;
  readonly max: number;
}

export interface ProofReport {
  readonly entries: number;
  readonly proofs: number;
  readonly hashes: number;
  /** ms: entry and hashes read from disk, written as the text that travels. */
  readonly made: Spread;
  /** ms: text parsed, signature of the checkpoint verified, hashes folded. */
  readonly verified: Spread;
}

const FILL = 256;
const WARM_UP = 50;
const NS_PER_MS = 1e6;

const spreadOf = (values: readonly number[]): Spread => ({
  median: median(values),
  p99: percentile(values, 0.99),
  max: Math.max(...values),
});

/** Without waiting for the disk: a log of a million entries is made here, not measured. */
function unsynced(store: Store): Store {
  return {
    get: (sub, key) => store.get(sub, key),
    getMany: (sub, keys) => store.getMany(sub, keys),
    range: (sub, range) => store.range(sub, range),
    batch: (ops) => store.batch(ops, { sync: false }),
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  };
}

export async function measureProofs(settings: LedgerSettings, progress: Progress): Promise<ProofReport> {
  const { proofEntries: entries, proofs } = settings;
  await using folder = await scratch(settings.dir);
  const level = await LevelStore.open(join(folder.path, "db"), { create: true });
  await using log = await openImu(unsynced(level), false);
  const { ledger } = log;
  for (let size = 0; size < entries; size += FILL) {
    await log.append(Math.min(FILL, entries - size));
    if (size % (FILL * 400) === 0) progress(`proofs: ${size} of ${entries} entries`);
  }
  const note = await ledger.checkpoint();
  const trust = { logKeys: ledger.logKeys, nowSec: Math.floor(Date.now() / 1000) };
  const made: number[] = [];
  const verified: number[] = [];
  let hashes = 0;
  for (let n = -WARM_UP; n < proofs; n++) {
    const index = Math.floor(Math.random() * entries);
    const startedAt = process.hrtime.bigint();
    const found = await ledger.reader.entry(index);
    const path = await ledger.reader.inclusionProof(index, entries);
    const text = formatProof({ index, hashes: path, note });
    const madeAt = process.hrtime.bigint();
    const leaf = leafHash(jcs(found?.entry as unknown as JsonObject));
    const { size } = verifyProof(text, leaf, trust);
    const doneAt = process.hrtime.bigint();
    if (size !== entries) throw new Error("The proof is of another tree.");
    hashes = Math.max(hashes, path.length);
    if (n < 0) continue;
    made.push(Number(madeAt - startedAt) / NS_PER_MS);
    verified.push(Number(doneAt - madeAt) / NS_PER_MS);
  }
  return { entries, proofs, hashes, made: spreadOf(made), verified: spreadOf(verified) };
}
