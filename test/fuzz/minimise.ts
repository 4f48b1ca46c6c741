/** Makes an input as simple as it gets while it stays interesting. */
import type { Target } from "./target.ts";

/** @param mostTries A find should not hold up the search for the next. */
export function minimise(
  target: Target,
  input: Uint8Array,
  mostTries: number,
  isInteresting: (input: Uint8Array) => boolean,
): Uint8Array {
  let smallest = input;
  let tries = 0;
  for (let improved = true; improved; ) {
    improved = false;
    for (const candidate of target.simpler(smallest)) {
      if (candidate.length >= smallest.length) continue;
      if (++tries > mostTries) return smallest;
      if (!isInteresting(candidate)) continue;
      smallest = candidate;
      improved = true;
      break;
    }
  }
  return smallest;
}
