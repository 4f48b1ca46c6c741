import { cpus, loadavg, totalmem } from "node:os";

/** The machine the figures belong to. */
export interface MachineFacts {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMiB: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  /** Of the last minute; far above 0 at the start means that something else was running. */
  readonly loadAverage: number;
}

export const machineFacts = (): MachineFacts => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryMiB: Math.round(totalmem() / 2 ** 20),
  platform: `${process.platform}-${process.arch}`,
  node: process.version,
  v8: process.versions.v8,
  loadAverage: Number((loadavg()[0] ?? 0).toFixed(2)),
});
