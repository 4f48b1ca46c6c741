/**
 * Every tree that a device has put its name to, in all of its lives: notes on its disk and what its store once took, the
 * note beside the database, notes and fingerprints on the wire (ledger.md 5, 9).
 */
import { fromUtf8, toBase64, utf8 } from "../../../firmware/core/bytes.ts";
import { canonicalize } from "../../../firmware/core/canonical-json.ts";
import { sha256Hex } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import { publishedNotes, readNote } from "./checkpoint-claims.ts";
import { ledgerSub } from "./epochs.ts";
import { type DeviceFacts, parseObject } from "./facts.ts";
import { type InvariantContext, isFrom } from "./invariant.ts";
import type { Tree } from "./tree-check.ts";

/** A signed tree and where it was seen. */
export interface SignedTree extends Tree {
  readonly epoch: number;
  readonly by: string;
}

/** A tree of which only the digest of its document is known. */
export interface TreePrint {
  readonly epoch: number;
  readonly size: number;
  readonly sha256: string;
  readonly origin: string;
  readonly atUs: number;
}

const LAST_CHECKPOINT = "/last-checkpoint";

/** The epoch that an origin of this device names; null for the origin of another log. */
function epochIn(origin: string, { device }: DeviceFacts): number | null {
  const [, , name, epoch] = origin.split("/");
  return name === device.deviceId && epoch !== undefined && /^\d+$/.test(epoch) ? Number(epoch) : null;
}

function treeIn(text: string, by: string, facts: DeviceFacts): readonly SignedTree[] {
  const claim = readNote(text, facts.device.publicKey);
  if (claim === null || !claim.isSigned) return [];
  const epoch = epochIn(claim.origin, facts);
  return epoch === null ? [] : [{ epoch, size: claim.size, root: claim.root, by }];
}

async function storedTrees(facts: DeviceFacts): Promise<readonly SignedTree[]> {
  const found: SignedTree[] = [];
  for (let epoch = 0; epoch <= facts.epoch; epoch++)
    for await (const [, note] of facts.store.range(ledgerSub("lgcp", epoch)))
      found.push(...treeIn(fromUtf8(note), "a note on its disk", facts));
  return found;
}

function besideDatabase(facts: DeviceFacts): readonly SignedTree[] {
  for (const [where, bytes] of facts.device.image())
    if (where.endsWith(LAST_CHECKPOINT)) return treeIn(fromUtf8(bytes), "last-checkpoint", facts);
  return [];
}

/** Every signed tree, each place of finding apart, the smallest first. */
export async function signedTrees(
  context: InvariantContext,
  facts: DeviceFacts,
): Promise<readonly SignedTree[]> {
  const seen = (facts.device.ledger?.notes ?? []).flatMap(({ text }) =>
    treeIn(text, "a note that it once stored", facts),
  );
  const published = publishedNotes(context, facts).flatMap(({ origin, size, root, isSigned }) => {
    const epoch = epochIn(origin, facts);
    return isSigned && epoch !== null ? [{ epoch, size, root, by: "a message" }] : [];
  });
  const all = [...(await storedTrees(facts)), ...besideDatabase(facts), ...seen, ...published];
  return all.sort((a, b) => a.epoch - b.epoch || a.size - b.size);
}

function printIn(payload: Uint8Array): JsonObject | null {
  let body: JsonObject;
  try {
    body = parseObject(payload);
  } catch {
    return null; // Not JSON: no event; its form is judged elsewhere.
  }
  const { data = null } = body;
  return isJsonObject(data) && data.type === "fingerprint" && data.kind === "checkpoint" ? data : null;
}

/** Fingerprints of checkpoints that the device has sent. */
export function sentPrints({ messages, fleet }: InvariantContext, facts: DeviceFacts): readonly TreePrint[] {
  const topic = `imu/v1/${fleet}/${facts.device.deviceId}/event/checkpoint`;
  const found: TreePrint[] = [];
  for (const message of messages) {
    if (message.topic !== topic || !isFrom(message, facts.device)) continue;
    const data = printIn(message.payload);
    if (data === null) continue;
    const origin = String(data.origin);
    const epoch = epochIn(origin, facts);
    if (epoch === null || typeof data.index !== "number") continue;
    found.push({ epoch, origin, size: data.index + 1, sha256: String(data.sha256), atUs: message.atUs });
  }
  return found;
}

/** The fingerprint that a tree must have. */
export const printOf = (origin: string, { size, root }: Tree): string =>
  sha256Hex(utf8(canonicalize({ _type: "checkpoint", origin, root: toBase64(root), size })));
