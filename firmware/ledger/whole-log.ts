/** Whether a log holds every entry under a checkpoint: asked after its database was rescued, before anything is added. */
import { judgeCheckpoints } from "./checkpoint.ts";
import { readStored } from "./entry.ts";
import { indexKey, indexOfKey } from "./layout.ts";
import { readAnchor, readNotes } from "./log-rows.ts";
import type { StartInput } from "./start.ts";
import { LedgerVerifier } from "./verify.ts";

/** @param to size of the tree. @throws CodedError of the store. */
export async function isWholeTo(input: StartInput, to: number): Promise<boolean> {
  const { store, layout, headKey, origin, logKeys } = input;
  const anchor = await readAnchor(store, layout, headKey);
  if (anchor === null || anchor.index > to) return false;
  const claims = judgeCheckpoints(await readNotes(store, layout), origin, logKeys);
  const checkpoints = claims.filter(({ size }) => size >= anchor.index && size <= to);
  const verifier = new LedgerVerifier({ anchor, checkpoints, head: null });
  const bounds = { gte: indexKey(anchor.index), lt: indexKey(to) };
  for await (const [key, row] of store.range(layout.entries, bounds)) {
    verifier.push({ index: indexOfKey(key) ?? to, read: readStored(row) });
    if (verifier.isDecided) return false;
  }
  return verifier.finish().ok && verifier.size === to;
}
