/** What is left of the host's memory and disk. */
import { statfs } from "node:fs/promises";
import { getHeapStatistics } from "node:v8";

/** Share of the heap limit that is still free, 0..1. */
export function heapHeadroom(): number {
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  return Math.max(0, 1 - used / limit);
}

/** Bytes that the daemon may still write where `path` lies. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
