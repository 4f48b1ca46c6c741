/** Lines out of a stream of bytes, bounded before they are kept. */
import { concat } from "./bytes.ts";
import { refuse } from "./codes.ts";
import { LIMITS } from "./limits.ts";

export type Bytes = AsyncIterable<Uint8Array>;

/** A line without its newline; the last one may lack it, which `isWhole` says. */
export interface Line {
  readonly bytes: Uint8Array;
  readonly isWhole: boolean;
}

/** @throws Refused `too_large` as soon as a bound is passed. */
export async function* linesOf(source: Bytes): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let [length, total] = [0, 0];
  for await (const chunk of source) {
    total += chunk.length;
    if (total > LIMITS.fileBytes) refuse("too_large", { bytes: LIMITS.fileBytes });
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      parts.push(chunk.subarray(start, end));
      if (length + end - start > LIMITS.lineBytes) refuse("too_large", { lineBytes: LIMITS.lineBytes });
      yield { bytes: concat(...parts), isWhole: true };
      parts = [];
      length = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    // Copied: whoever gives the chunks may use their memory again.
    parts.push(chunk.slice(start));
    length += chunk.length - start;
    if (length > LIMITS.lineBytes) refuse("too_large", { lineBytes: LIMITS.lineBytes });
  }
  if (length > 0) yield { bytes: concat(...parts), isWhole: false };
}
