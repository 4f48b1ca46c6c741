/** The durable state of a device: keys, store, clock with its floor, ledger, content and run records. */
import { join } from "node:path";
import { CodedError } from "../core/errors.ts";
import type { JsonObject } from "../core/json.ts";
import { ContentStore, ContentWatch, RunPacker, sealsOf } from "../evidence/index.ts";
import { Ledger, LedgerReader, probedEpoch } from "../ledger/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Files } from "../ports/files.ts";
import type { Log } from "../ports/log.ts";
import type { RescuedDatabase, Store } from "../ports/store.ts";
import { namedByRun, RUN_BASES, RUNS, RunStore } from "../runs/index.ts";
import type { Config } from "./config-schema.ts";
import { setAsideDamaged } from "./damaged-rows.ts";
import { WriteAlarm } from "./housekeeping/write-alarm.ts";
import { type Identity, loadIdentity } from "./identity.ts";
import { aboutDatabase, checkDatabaseFolder } from "./own-files.ts";
import type { Platform } from "./platform.ts";
import { readKnownCheckpoint } from "./rescue/known-checkpoint.ts";
import { recordRescue } from "./rescue/rescue.ts";

export interface DeviceState {
  readonly platform: Platform;
  readonly files: Files;
  readonly entropy: Entropy;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly store: Store;
  /** The same store: what it was given to write while garbage is looked for. */
  readonly watched: ContentWatch;
  readonly ledger: Ledger;
  /** Rings when the ledger could not be written. */
  readonly writeAlarm: WriteAlarm;
  /** Gives the bytes of deleted rows back to the disk; null where the store does so by itself. */
  readonly compact: (() => Promise<void>) | null;
  readonly content: ContentStore;
  /** What runs have in common, over all of them. */
  readonly packer: RunPacker;
  readonly runs: RunStore;
  /** What the start has saved of a damaged database; null if it was whole. */
  readonly rescued: JsonObject | null;
  /** Wall ms of the last record before this boot. */
  readonly timeFloorMs: number;
}

export const databasePath = (stateDir: string): string => join(stateDir, "db");

/** What the row of a run refers to: its base, and the blobs of its journal. */
function referredByRun(runId: string, row: Uint8Array): readonly string[] {
  const { base, digests } = namedByRun(runId, row);
  return base === null ? digests : [base, ...digests];
}

/** Time of the last entry; a ledger whose head is damaged is judged when it is opened, not here. */
async function lastRecordedMs(store: Store, headKey: Uint8Array): Promise<number> {
  try {
    return (await LedgerReader.open(store, { headKey })).head.lastTs;
  } catch (error) {
    if (error instanceof CodedError && error.code === "store_corrupt") return 0;
    throw error;
  }
}

/** @throws ResourceRequired for keys; CodedError `store_busy`, `store_corrupt`, `ledger_unavailable`. */
export async function openState(config: Config, platform: Platform, log: Log): Promise<DeviceState> {
  const { files } = platform;
  const identity = await loadIdentity(files, config.stateDir);
  const database = databasePath(config.stateDir);
  return aboutDatabase(database, async () => {
    await platform.rescue?.finish(database);
    await checkDatabaseFolder(files, database);
    const report = (await platform.rescue?.pending(database)) ?? null;
    const opened = await platform.openStore(database);
    const compact = opened.compact?.bind(opened) ?? null;
    return openParts(
      config,
      log,
      {
        platform,
        identity,
        compact,
        watched: new ContentWatch(opened, { [RUN_BASES]: (id) => [id], [RUNS]: referredByRun }),
      },
      report,
    );
  });
}

type Opened = Pick<DeviceState, "platform" | "identity" | "compact" | "watched">;

/** After a rescue an empty log is a lost one, and its epoch is above every one that may have been signed in. */
async function continuation(store: Store, report: RescuedDatabase | null) {
  if (report === null) return {};
  return { mustContinue: true, epoch: Math.max(await probedEpoch(store), report.ordinal - 1) };
}

async function openParts(
  config: Config,
  log: Log,
  opened: Opened,
  report: RescuedDatabase | null,
): Promise<DeviceState> {
  const { platform, identity, compact, watched } = opened;
  const store: Store = watched;
  const writeAlarm = new WriteAlarm();
  const { files, entropy } = platform;
  try {
    const timeFloorMs = await lastRecordedMs(store, identity.headKey);
    const clock = platform.openClock({ floorMs: timeFloorMs, trust: config.clock.trust });
    const ledger = await Ledger.open({
      store,
      clock,
      fleet: config.fleet,
      device: identity.deviceId,
      known: await readKnownCheckpoint(files, config.stateDir, identity.pair.publicKeyHex, log),
      ...(await continuation(store, report)),
      headKey: identity.headKey,
      signer: identity.pair,
      simulated: platform.simulated,
      groupCommitMs: config.groupCommitMs,
      log: log.child({ part: "ledger" }),
      onFailed: () => writeAlarm.ring(),
    });
    const rescued = report === null ? null : await recordRescue(store, ledger, report);
    await platform.rescue?.forget(databasePath(config.stateDir));
    const damaged = await setAsideDamaged(store, ledger);
    if (damaged > 0) log.error("store_corrupt", { action: "set_aside", rows: damaged });
    const content = new ContentStore({
      store,
      wallMs: () => clock.wallMs(),
      seals: sealsOf(identity.seal),
      onCorrupt: (sha256: string) => log.error("cas_corrupt", { sha256 }),
    });
    return {
      platform,
      files,
      entropy,
      clock,
      identity,
      store,
      watched,
      compact,
      ledger,
      writeAlarm,
      content,
      packer: new RunPacker(),
      runs: new RunStore(store, content),
      timeFloorMs,
      rescued,
    };
  } catch (error) {
    await store[Symbol.asyncDispose]();
    throw error;
  }
}
