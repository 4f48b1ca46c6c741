/** What the suite asks of an engine, ours and its peers alike. */
import type { Json, JsonObject } from "../../../../firmware/core/json.ts";
import type { Workload } from "../workloads/workload.ts";

/** A workload loaded into an engine, run as often as wanted. */
export interface Runner {
  /** Hands the payload in and gives the body. */
  run(payload: JsonObject): Json;
  dispose(): void;
}

export interface Engine {
  readonly version: string;
  prepare(workload: Workload): Runner;
  /** Loads the workload from its distributed form, runs it once and lets it go; null if that means nothing here. */
  readonly loadOnce: ((workload: Workload) => () => Json) | null;
  /** A runner that runs the workload `times` times inside the engine, crossing its border once; null if it has none. */
  readonly prepareInside?: (workload: Workload, times: number) => Runner;
  /** Compiles a JavaScript text without running it; null if it takes none. */
  readonly compile: ((source: string) => void) | null;
  dispose(): void;
}

export interface EngineSource {
  readonly id: string;
  readonly title: string;
  readonly load: () => Promise<Engine>;
}

export interface EngineFacts {
  readonly id: string;
  readonly title: string;
  readonly available: boolean;
  readonly version: string | null;
  /** Why it could not be loaded. */
  readonly reason: string | null;
}

export interface LoadedEngine extends EngineFacts {
  readonly engine: Engine | null;
}

/** A peer that cannot be loaded is reported with its reason, never left out. */
export async function loadEngine({ id, title, load }: EngineSource): Promise<LoadedEngine> {
  try {
    const engine = await load();
    return { id, title, available: true, version: engine.version, reason: null, engine };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    // Without where it was looked for: paths differ from machine to machine.
    const reason = message.split(/\n| imported from /)[0] ?? message;
    return { id, title, available: false, version: null, reason, engine: null };
  }
}
