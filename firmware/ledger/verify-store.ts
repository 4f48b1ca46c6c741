/** Verification of a ledger where it lies, in constant memory (ledger.md 10). */
import { compareBytes } from "../core/bytes.ts";
import type { JsonObject } from "../core/json.ts";
import { pagesOf, type Store } from "../ports/store.ts";
import { type CheckpointClaim, judgeCheckpoints } from "./checkpoint.ts";
import { indexKey, type Layout, layoutOf } from "./layout.ts";
import { readAnchor, readHead, readNotes, readRecord, storedEpoch } from "./log-rows.ts";
import type { VerifierKey } from "./note.ts";
import { anchorAt } from "./prune.ts";
import type { VerifyReport } from "./types.ts";
import { GENESIS_ANCHOR, LedgerVerifier, storedRow, type VerifyAnchor } from "./verify.ts";

export interface VerifyKeys {
  /** The origin's verifier keys: the present one and retired ones. Without any, checkpoints are not used. */
  readonly logKeys: readonly VerifierKey[];
  /** The origin the checkpoints must carry. */
  readonly origin: string;
  /** Null where the reader may not have it: then the chain and the checkpoints carry the proof alone. */
  readonly headKey: Uint8Array | null;
}

export interface VerifyStoreOptions {
  /** The epoch to verify; the present one if absent. */
  readonly epoch?: number;
  /** Only what follows the largest good checkpoint, as at every start; the whole log if that one does not fit. */
  readonly fromLastCheckpoint?: boolean;
  readonly onProgress?: (entries: number) => void;
  readonly signal?: AbortSignal;
}

async function pushRows(
  store: Store,
  layout: Layout,
  from: number,
  verifier: LedgerVerifier,
  options: VerifyStoreOptions,
): Promise<void> {
  let expected = from;
  for await (const page of pagesOf(store, layout.entries, { gte: indexKey(from) })) {
    for (const [key, row] of page) {
      verifier.push(storedRow(key, row, expected));
      if (verifier.isDecided) return;
      expected++;
    }
    options.signal?.throwIfAborted();
    options.onProgress?.(expected - from);
  }
}

/** The tree of the largest good checkpoint as an anchor, null if the stored log does not have its root. */
async function lastAnchor(
  store: Store,
  layout: Layout,
  whole: VerifyAnchor,
  claims: readonly CheckpointClaim[],
): Promise<VerifyAnchor | null> {
  let last: CheckpointClaim | null = null;
  for (const claim of claims) if (claim.good && claim.size > (last?.size ?? whole.index)) last = claim;
  if (last === null) return null;
  const anchor = await anchorAt(store, layout, last.size);
  return anchor !== null && compareBytes(anchor.range.root(), last.root) === 0 ? anchor : null;
}

/**
 * Verifies the stored log of one epoch. The store may be that of a stopped daemon.
 * Warnings beside those of `verifyLedger`: `head_unverified` {why} if the sealed head could not be used as proof,
 * `anchor_unverified`, `signed_unverified` if the record of the last signature is not the device's own.
 * @throws CodedError of the store if it cannot be read; the signal's reason when aborted.
 */
export async function verifyStore(
  store: Store,
  keys: VerifyKeys,
  options: VerifyStoreOptions = {},
): Promise<VerifyReport> {
  options.signal?.throwIfAborted();
  const layout = layoutOf(options.epoch ?? (await storedEpoch(store)));
  const warnings: JsonObject[] = [];
  const anchor = await readAnchor(store, layout, keys.headKey);
  if (anchor === null) warnings.push({ code: "anchor_unverified" });
  const head = await readHead(store, layout, keys.headKey);
  if (keys.headKey === null) warnings.push({ code: "head_unverified", why: "no_key" });
  else if (head.is === "bad") warnings.push({ code: "head_unverified", why: "bad_mac" });
  const signed =
    keys.headKey === null ? null : await readRecord(store, layout.signed, "signed", keys.headKey);
  if (signed?.is === "bad") warnings.push({ code: "signed_unverified" });
  const claims = judgeCheckpoints(await readNotes(store, layout), keys.origin, keys.logKeys);
  const whole = anchor ?? GENESIS_ANCHOR;
  const from = options.fromLastCheckpoint
    ? ((await lastAnchor(store, layout, whole, claims)) ?? whole)
    : whole;
  const verifier = new LedgerVerifier({
    anchor: from,
    checkpoints: claims,
    head: head.is === "good" ? head.state : null,
  });
  if (!verifier.isDecided) await pushRows(store, layout, from.index, verifier, options);
  const isHeadless = head.is === "absent" && keys.headKey !== null && verifier.size > 0;
  if (isHeadless) warnings.push({ code: "head_unverified", why: "absent" });
  const report = verifier.finish(warnings);
  options.onProgress?.(report.count);
  return report;
}
