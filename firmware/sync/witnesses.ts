/** Who witnesses whose ledger, and whose signature counts (sync.md 7). */
import { sha256Hex } from "../core/hash.ts";
import { SYNC_LIMITS } from "../core/limits.ts";

export const WITNESSES = SYNC_LIMITS.witnesses;

/** All other members, the one with the largest sha256(device + '\n' + peer) first. */
export const witnessOrder = (device: string, members: readonly string[]): readonly string[] =>
  [...new Set(members)]
    .filter((peer) => peer !== device)
    .map((peer) => ({ peer, rank: sha256Hex(`${device}\n${peer}`) }))
    .sort((a, b) => (a.rank > b.rank ? -1 : a.rank < b.rank ? 1 : 0))
    .map(({ peer }) => peer);

/** The device's witnesses; all other members if there are fewer than `count`. */
export const witnessesOf = (
  device: string,
  members: readonly string[],
  count = WITNESSES,
): readonly string[] => witnessOrder(device, members).slice(0, count);

/** Distinct roster members other than the device itself; strangers and repetitions add nothing. */
export function countWitnesses(
  device: string,
  members: readonly string[],
  cosigners: readonly string[],
): number {
  const known = new Set(members);
  return new Set(cosigners.filter((peer) => peer !== device && known.has(peer))).size;
}
