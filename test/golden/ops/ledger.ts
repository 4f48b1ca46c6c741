import { fromBase64, fromHex, toBase64, toHex, utf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { keyPairFromSeed } from "../../../firmware/core/ed25519.ts";
import { CodedError, codeOf } from "../../../firmware/core/errors.ts";
import * as ledger from "../../../firmware/ledger/index.ts";
import type { Given, OpModule } from "../registry.ts";

const hexes = (list: readonly string[]): Uint8Array[] => list.map(fromHex);
const leavesOf = (given: Given): Uint8Array[] => hexes(given.leavesHex);

function rangeOfLeafHashes(hashes: readonly Uint8Array[]): ledger.CompactRange {
  return hashes.reduce((range, hash) => range.append(hash), ledger.CompactRange.EMPTY);
}

/** Refusals and thrown codes come out as {error}. */
async function orError(rule: () => unknown): Promise<unknown> {
  try {
    const result = await rule();
    if (
      typeof result === "object" &&
      result !== null &&
      "ok" in result &&
      result.ok === false &&
      "code" in result
    ) {
      const { details } = result as { readonly details?: object };
      return { error: result.code, ...details };
    }
    return result;
  } catch (error) {
    if (error instanceof CodedError) return { error: codeOf(error) };
    throw error;
  }
}

function memoryNodes(leaves: readonly Uint8Array[]): ledger.NodeSource {
  const nodes = new Map<string, Uint8Array>();
  let range = ledger.CompactRange.EMPTY;
  for (const leaf of leaves) {
    range = range.append(ledger.leafHash(leaf), ({ level, index, hash }) =>
      nodes.set(`${level}:${index}`, hash),
    );
  }
  return async (ids) => ids.map(({ level, index }) => nodes.get(`${level}:${index}`));
}

function chain(given: Given): unknown {
  let prev: ledger.LedgerEntry | null = null;
  const hashes: string[] = [];
  const leafHashes: Uint8Array[] = [];
  for (const [i, event] of given.events.entries()) {
    const entry: ledger.LedgerEntry = { event, prev_hash: ledger.nextPrevHash(prev), ts: given.ts[i] };
    hashes.push(ledger.entryHash(entry));
    leafHashes.push(ledger.leafHash(utf8(canonicalize(entry))));
    prev = entry;
  }
  const root = toHex(rangeOfLeafHashes(leafHashes).root());
  return { hashes, leafHashes: leafHashes.map(toHex), root };
}

function warningShape(warning: Given): unknown {
  const { code, ...rest } = warning;
  const [value] = Object.values(rest);
  return value === undefined ? code : { [code]: value };
}

function verify(given: Given): unknown {
  const { anchor } = given;
  const bytesOf = (text: string): Uint8Array =>
    /^[0-9a-f]{64}$/.test(text) ? fromHex(text) : fromBase64(text);
  const stored: Given = given.nodes ?? given.leafHashes;
  const first = Array.isArray(stored) ? (anchor?.index ?? 0) : 0;
  const nodes = stored
    ? new Map<number, Uint8Array>(
        Object.entries(stored).map(([index, hash]) => [first + Number(index), bytesOf(String(hash))]),
      )
    : undefined;
  const report = ledger.verifyLedger({
    ...(anchor
      ? {
          anchor: {
            index: anchor.index,
            prevHash: anchor.prevHash,
            range: rangeOfLeafHashes(hexes(anchor.leafHashes)),
          },
        }
      : {}),
    entries: given.entries,
    ...(nodes ? { nodes } : {}),
    checkpoints: given.checkpoints.map((claim: Given) => ({ ...claim, root: bytesOf(claim.root) })),
    head: given.head,
  });
  return { ...report, warnings: report.warnings.map(warningShape) };
}

function queueCase(given: Given): unknown {
  let queue = ledger.EMPTY_QUEUE;
  const sent: string[] = [];
  for (const step of given.steps) {
    if (step.do === "put") queue = ledger.enqueueFingerprint(queue, step);
    else if (step.do === "ack") queue = ledger.acknowledgeFingerprint(queue, step.sha256);
    else if (step.do === "send") {
      const result = ledger.sendFingerprints(queue);
      queue = result.queue;
      sent.push(...result.sent);
    } else queue = ledger.releaseFingerprints(queue);
  }
  return { sent, waiting: queue.waiting.map((item) => item.sha256), superseded: queue.superseded };
}

const importCheck = (given: Given): unknown =>
  ledger.checkImport({
    header: given.header,
    entries: given.entries,
    trailer: given.trailer,
    knowsOrigin: (origin) => given.knownOrigins.includes(origin),
    verify: () => {
      const { size, root, signatureOk } = given.trailer.checkpoint;
      if (!signatureOk) throw new CodedError("bad_signature", "The vector says so.");
      return { size, root: fromBase64(root) };
    },
  });

const trustOf = (given: Given): ledger.CheckpointTrust => ({
  logKeys: [ledger.parseVkey(given.logVkey)],
  witnessKeys: (given.witnessVkeys ?? []).map(ledger.parseVkey),
  nowSec: given.nowSec ?? 0,
  ...(given.skewSec === undefined ? {} : { skewSec: given.skewSec }),
});

function witness(given: Given): unknown {
  const { state, request } = given;
  let proof: Uint8Array[];
  try {
    proof = request.proof.map(fromBase64);
  } catch (error) {
    if (error instanceof CodedError) return { status: 400 };
    throw error;
  }
  const answer = ledger.addCheckpoint(
    { old: request.old, proof, note: request.note },
    state ? { size: state.size, root: fromHex(state.rootHex), note: "" } : null,
    {
      keysOf: (origin) => (Object.hasOwn(given.known, origin) ? [ledger.parseVkey(given.known[origin])] : []),
      clockSynced: given.clockSynced,
      nowSec: given.nowSec,
      name: given.witness.name,
      signer: keyPairFromSeed(fromHex(given.witness.seedHex)),
    },
  );
  if (answer.status === 200) {
    return { ...answer, state: { size: answer.state.size, rootHex: toHex(answer.state.root) } };
  }
  if (answer.status === 409) return { status: 409, body: `${answer.size}\n`, size: answer.size };
  return { status: answer.status, reason: answer.reason, fork: answer.fork !== undefined };
}

const ledgerOps: OpModule = {
  area: "ledger",
  ops: {
    entry_hash: ({ entry }) => ({ preimage: canonicalize(entry), hash: ledger.entryHash(entry) }),
    chain,
    next_prev_hash: ({ last }) => ({ prev_hash: ledger.nextPrevHash(last?.entry ?? null) }),
    verify,
    changed_paths: ({ before, after }) => {
      const { changedPaths, ...rest } = ledger.changedPaths(before, after);
      return { paths: changedPaths, ...rest };
    },
    compensate: (given) => orError(() => ledger.compensate(given.history, given.target)),
    evidence_root: ({ ids }) => ({ root: toHex(ledger.evidenceRoot(ids)) }),
    rollup_root: ({ runs }) => ({ runsRoot: toHex(ledger.runsRoot(runs)), count: runs.length }),
    uneventful: ({ run }) => ({ uneventful: ledger.isUneventful(run) }),
    prune_index: (given) => ({ newMinIndex: ledger.pruneIndex(given) }),
    fingerprint: ({ doc }) => ledger.fingerprintOf(doc),
    fingerprint_queue: queueCase,
    redact: ({ data, secretPaths, keyHex }) => ({ data: ledger.redact(data, secretPaths, fromHex(keyHex)) }),
    import_check: (given) => orError(() => importCheck(given)),
  },
};

const tlogOps: OpModule = {
  area: "tlog",
  ops: {
    root: (given) => ({ root: toHex(ledger.rootOf(leavesOf(given))) }),
    inclusion_proof: (given) =>
      orError(async () => {
        const leaves = leavesOf(given);
        const spans = ledger.inclusionSpans(given.index, leaves.length);
        return { proof: (await ledger.proofOf(spans, memoryNodes(leaves))).map(toHex) };
      }),
    verify_inclusion: ({ index, size, leafHash, proof, root }) => ({
      ok: ledger.verifyInclusion(index, size, fromHex(leafHash), hexes(proof), fromHex(root)),
    }),
    consistency_proof: (given) =>
      orError(async () => {
        const leaves = leavesOf(given);
        const spans = ledger.consistencySpans(given.oldSize, leaves.length);
        return { proof: (await ledger.proofOf(spans, memoryNodes(leaves))).map(toHex) };
      }),
    verify_consistency: ({ oldSize, newSize, oldRoot, newRoot, proof }) => ({
      ok: ledger.verifyConsistency(oldSize, newSize, fromHex(oldRoot), fromHex(newRoot), hexes(proof)),
    }),
    vkey: ({ name, type, publicKeyHex }) =>
      orError(() => ({ vkey: ledger.formatVkey(ledger.verifierKey(name, type, publicKeyHex)) })),
    sign_checkpoint: ({ origin, size, rootHex, seedHex }) =>
      orError(() => ({
        note: ledger.signCheckpoint(
          { origin, size, root: fromHex(rootHex) },
          keyPairFromSeed(fromHex(seedHex)),
        ),
      })),
    cosign: ({ note, name, seedHex, timeSec }) =>
      orError(() => ({ line: ledger.cosign(note, name, timeSec, keyPairFromSeed(fromHex(seedHex))) })),
    verify_checkpoint: (given) =>
      orError(() => {
        const { origin, size, root, witnesses } = ledger.verifyCheckpoint(given.note, trustOf(given));
        return { ok: true, origin, size, root: toBase64(root), witnesses };
      }),
    verify_note: ({ note, vkey }) =>
      orError(() => ({ ok: true, text: ledger.verifyNote(note, [ledger.parseVkey(vkey)]) })),
    witness,
    tlog_proof: (given) =>
      orError(async () => {
        const leaves = leavesOf(given);
        const spans = ledger.inclusionSpans(given.index, leaves.length);
        const hashes = await ledger.proofOf(spans, memoryNodes(leaves));
        return { proof: ledger.formatProof({ index: given.index, hashes, note: given.note }) };
      }),
    verify_tlog_proof: (given) =>
      orError(() => ({
        ok: true,
        ...ledger.verifyProof(
          given.proof,
          ledger.leafHash(fromHex(given.leafHex)),
          trustOf(given),
          given.minWitnesses ?? 0,
        ),
      })),
  },
};

export const modules: readonly OpModule[] = [ledgerOps, tlogOps];
