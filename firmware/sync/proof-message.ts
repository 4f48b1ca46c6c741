/** A proof of a fork as it travels: the two signed batches, verified like batches (sync.md 5). */
import { encodeCbor } from "../core/cbor.ts";
import { GOSSIP_LIMITS } from "../core/limits.ts";
import { readBatch } from "./batch.ts";
import { readMessage } from "./envelope.ts";
import type { ForkProof, Replica } from "./replica.ts";
import { decodeStrictCbor } from "./strict-cbor.ts";

/** Two messages of the largest size and their frame. */
export const MAX_PROOF_BYTES = GOSSIP_LIMITS.proofBytes;

export const encodeProof = ({ a, b }: ForkProof): Uint8Array => encodeCbor([Buffer.from(a), Buffer.from(b)]);

/**
 * Null unless both batches are the same origin's, of one sequence number, differ, and carry its valid signature.
 * @throws CodedError `malformed` (400), `message_too_large` (400).
 */
export function readProof(bytes: Uint8Array, replica: Replica): ForkProof | null {
  const pair = bytes.length > MAX_PROOF_BYTES ? null : decodeStrictCbor(bytes);
  if (!Array.isArray(pair) || pair.length !== 2) return null;
  const [a, b]: readonly unknown[] = pair;
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return null;
  const left = readBatch(readMessage(a));
  const right = readBatch(readMessage(b));
  if (!left || !right || left.hash === right.hash) return null;
  const { origin, seq, fleet } = left.batch;
  if (right.batch.origin !== origin || right.batch.seq !== seq || right.batch.fleet !== fleet) return null;
  const isProven = replica.isAuthentic(origin, left.message) && replica.isAuthentic(origin, right.message);
  return isProven ? { origin, seq, a, b } : null;
}
