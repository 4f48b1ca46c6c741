import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A folder for one measurement, gone afterwards. */
export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/** @param parent the folder it is made in; it decides which disk is measured. */
export async function scratch(parent: string = tmpdir()): Promise<Scratch> {
  const path = await mkdtemp(join(parent, "imu-bench-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
