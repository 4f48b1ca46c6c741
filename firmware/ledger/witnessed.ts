/** The largest own checkpoint that enough witnesses have cosigned (ledger.md 6, 11). */
import { CodedError } from "../core/errors.ts";
import { RETENTION_LIMITS } from "../core/limits.ts";
import type { Store } from "../ports/store.ts";
import { verifyCheckpoint } from "./checkpoint.ts";
import { indexOfKey, type Layout } from "./layout.ts";
import type { VerifierKey } from "./note.ts";
import type { Breathe } from "./retention.ts";

export interface WitnessRule {
  readonly logKeys: readonly VerifierKey[];
  readonly witnessKeys: readonly VerifierKey[];
  /** How many distinct witnesses; 0 if any signed checkpoint will do. */
  readonly quorum: number;
  /** POSIX seconds. */
  readonly nowSec: number;
}

function isWitnessed(note: Uint8Array, rule: WitnessRule): boolean {
  try {
    return verifyCheckpoint(note, rule).witnesses.length >= rule.quorum;
  } catch (error) {
    if (error instanceof CodedError) return false;
    throw error;
  }
}

/** Its size, 0 if there is none among the newest notes. */
export async function largestWitnessed(
  store: Store,
  layout: Layout,
  rule: WitnessRule,
  breathe: Breathe,
): Promise<number> {
  const newest = { reverse: true, limit: RETENTION_LIMITS.searchedNotes };
  for await (const [key, note] of store.range(layout.checkpoints, newest)) {
    const size = indexOfKey(key);
    if (size !== null && isWitnessed(note, rule)) return size;
    await breathe();
  }
  return 0;
}
