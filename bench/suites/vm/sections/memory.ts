/** What the memory model charges beside what the heap really holds, and what a loaded program costs. */
import { askChild } from "../../../lib/child.ts";
import type { Progress } from "../../../lib/suite.ts";
import type { HeapFigures } from "../children/figures.ts";
import { DATA_KINDS, type DataKind } from "../programs/data.ts";

export interface DataReport {
  readonly id: string;
  readonly what: string;
  readonly alive: boolean;
  readonly chargedBytes: number;
  /** Real bytes by engine: ours by executor, and the peers with the same data. */
  readonly heapBytes: Readonly<Record<string, number>>;
}

export interface IdleReport {
  readonly programs: number;
  /** Bytes of one loaded program; a text says why there is no figure. */
  readonly bytesEach: Readonly<Record<string, number | string>>;
}

export interface MemoryReport {
  readonly data: readonly DataReport[];
  readonly idle: IdleReport;
}

/** So many that what the engine keeps of its own, some ten kilobytes, does not show. */
const INSTANCES = 150;

const HEAP = new URL("../children/heap.js", import.meta.url);
const IDLE = new URL("../children/idle-programs.js", import.meta.url);

const textOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";

async function measureData(
  kinds: readonly DataKind[],
  engines: readonly string[],
  instances: number,
  progress: Progress,
): Promise<DataReport[]> {
  const reports: DataReport[] = [];
  for (const { id, what, alive } of kinds) {
    progress(`memory: ${id}`);
    const heapBytes: Record<string, number> = {};
    let chargedBytes = Number.NaN;
    for (const engine of engines) {
      const answer = await askChild(HEAP, [engine, id, String(instances)]);
      const figures = answer as HeapFigures & typeof answer;
      heapBytes[engine] = Math.round(figures.heapBytes);
      if (figures.chargedBytes !== null) chargedBytes = figures.chargedBytes;
    }
    reports.push({ id, what, alive, chargedBytes, heapBytes });
  }
  return reports;
}

async function measureIdle(
  peers: readonly string[],
  programs: number,
  progress: Progress,
): Promise<IdleReport> {
  const bytesEach: Record<string, number | string> = {};
  for (const engine of ["imu", "imu-ran", ...peers]) {
    progress(`memory: ${programs} idle programs, ${engine}`);
    // Isolates are large; a few of them tell the same.
    const count = engine === "isolated-vm" ? Math.min(20, programs) : programs;
    try {
      const { bytesEach: bytes } = (await askChild(IDLE, [engine, String(count)])) as { bytesEach: number };
      bytesEach[engine] = Math.round(bytes);
    } catch (error) {
      bytesEach[engine] = textOf(error);
    }
  }
  return { programs, bytesEach };
}

/** @param peers those that were asked for and can be loaded. */
export async function measureMemory(
  peers: readonly string[],
  quick: boolean,
  progress: Progress,
): Promise<MemoryReport> {
  const kinds = DATA_KINDS.filter(({ id }) => !quick || id === "objects" || id === "strings");
  const executors = quick ? ["compiled"] : ["compiled", "interpreter"];
  const engines = [...executors, ...peers.filter((peer) => peer === "v8" || peer === "quickjs")];
  return {
    data: await measureData(kinds, engines, INSTANCES, progress),
    idle: await measureIdle(
      peers.filter((peer) => peer === "quickjs" || peer === "isolated-vm"),
      200,
      progress,
    ),
  };
}
