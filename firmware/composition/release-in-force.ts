/** Which release runs from the start on, and what keeps all of them from running. */
import type { LoadedRelease, OtaNotice, OtaService } from "../../ota/index.ts";
import { CodedError } from "../core/errors.ts";
import type { KeyRecord } from "../core/key-record.ts";
import type { Log } from "../ports/log.ts";
import type { ReleaseSet } from "../runs/index.ts";
import type { Executor } from "../vm/index.ts";
import type { Config } from "./config-schema.ts";
import { type BootState, daemonEvent } from "./device-parts.ts";
import { type LoaderParts, loadFactory, setOfRelease } from "./release-loader.ts";
import { isDamagedDatabase, isHeld } from "./rescue/rescue.ts";
import type { DeviceState } from "./state.ts";
import { buildUpdates, factoryBundle } from "./updates.ts";

export interface InForceParts {
  readonly config: Config;
  readonly log: Log;
  readonly state: DeviceState;
  readonly loader: LoaderParts;
  readonly boot: { state: BootState };
  readonly executor: Executor;
  readonly keys: () => ReadonlyMap<string, KeyRecord>;
  readonly onNotice: (notice: OtaNotice) => void;
}

/**
 * What the updates remember is damaged: which release was in force is not known, so none runs until an operator has
 * looked; the outputs are those of the installation's own release, and safe.
 */
async function bootUndamaged(
  state: DeviceState,
  log: Log,
  updates: OtaService,
): Promise<{ readonly release: LoadedRelease | null }> {
  try {
    return await updates.boot();
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== "store_corrupt" || isDamagedDatabase(error))
      throw error;
    const data = { sublevel: "ota", action: "held", details: { ...error.details } };
    log.error("store_corrupt", data);
    await state.ledger.commit({ events: [daemonEvent("store_corrupt", data, "critical")], ops: [] });
    return { release: null };
  }
}

/** The release to run and the service that may replace it. */
export async function loadInForce(
  parts: InForceParts,
): Promise<{ readonly updates: OtaService; readonly set: ReleaseSet }> {
  const { config, log, state, loader, boot, executor, keys, onNotice } = parts;
  const factory = await loadFactory(state.files, config, loader);
  const updates = buildUpdates({
    config,
    state,
    log,
    keys,
    view: loader.view,
    executor,
    factory: factoryBundle(factory.policyFile, factory.set),
    onNotice,
  });
  const booted = await bootUndamaged(state, log, updates);
  if (booted.release === null || (await isHeld(state.store))) {
    boot.state = "safe_mode";
    return { updates, set: { ...factory.set, programs: new Map() } };
  }
  const isFactory = booted.release.isFactory;
  return { updates, set: isFactory ? factory.set : setOfRelease(booted.release, loader) };
}
