import { toHex } from "../core/bytes.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";

/** `r` + 12 hex digits of the start in ms + 8 random ones: byte order is order of start, across restarts too. */
export function newRunId(clock: Clock, entropy: Entropy): string {
  return `r${clock.wallMs().toString(16).padStart(12, "0")}${toHex(entropy.bytes(4))}`;
}
