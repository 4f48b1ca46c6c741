/** Bytes that this process has written, as Linux counts them. */
import { readFileSync } from "node:fs";

export interface WrittenBytes {
  /** Handed to the disk: whole pages, counted when they become dirty. What wears out a card. */
  readonly disk: number;
  /** Given to write calls. */
  readonly calls: number;
}

const NOTHING: WrittenBytes = { disk: 0, calls: 0 };

/** Null where /proc/self/io does not exist. */
export function writtenBytes(): WrittenBytes | null {
  let text: string;
  try {
    text = readFileSync("/proc/self/io", "utf8");
  } catch {
    return null;
  }
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(text)?.[1] ?? Number.NaN);
  return { disk: of("write_bytes"), calls: of("wchar") };
}

export function writtenSince(before: WrittenBytes | null): WrittenBytes {
  const now = writtenBytes();
  return now === null || before === null
    ? NOTHING
    : { disk: now.disk - before.disk, calls: now.calls - before.calls };
}
