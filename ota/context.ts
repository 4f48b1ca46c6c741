/** What the parts of one update service share. */

import { CodedError, type Refusal } from "../firmware/core/errors.ts";
import type { Clock } from "../firmware/ports/clock.ts";
import type { Entropy } from "../firmware/ports/entropy.ts";
import type { Log } from "../firmware/ports/log.ts";
import type { Store } from "../firmware/ports/store.ts";
import type { ArrowChange, OtaJournal, OtaNotice } from "./journal.ts";
import { loadRelease } from "./load.ts";
import type { OtaEvent } from "./machine.ts";
import type {
  BundleSource,
  Committer,
  DeviceFacts,
  KeyLookup,
  LoadedRelease,
  ProbePort,
  ReleaseHost,
  RunHistory,
  SelfTestCheck,
  ViewOf,
} from "./ports.ts";
import { releaseHash } from "./release/bundle.ts";
import type { OtaConfig } from "./settings.ts";
import type { Pointer, Slots } from "./slots.ts";

export interface OtaOptions {
  readonly store: Store;
  readonly committer: Committer;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly log: Log;
  readonly keys: KeyLookup;
  readonly facts: DeviceFacts;
  /** Bundle of the release that came with the installation: the last one to fall back to. */
  readonly factory: Uint8Array;
  readonly viewOf: ViewOf;
  readonly history: RunHistory;
  readonly config?: OtaConfig;
  readonly onEvent?: (notice: OtaNotice) => void;
  /** Code of an event that ends a trial at once (`desync`, `coherence_veto`), null if there is none. */
  readonly hardEvent?: () => string | null;
}

/** What exists only once the release in force has been loaded. */
export interface OtaRuntime {
  readonly host: ReleaseHost;
  readonly probe: ProbePort;
  readonly selfTest: readonly SelfTestCheck[];
  /** Where offered bundles come from; without one only `stage` brings releases. */
  readonly source?: BundleSource;
}

/** Result of a step: the arrow to take and what is stored with it. */
export interface StepOutcome extends ArrowChange {
  readonly event: OtaEvent;
}

export interface OtaContext {
  readonly options: OtaOptions;
  readonly slots: Slots;
  readonly journal: OtaJournal;
  readonly runtime: OtaRuntime;
  /** Hash of the release that the host runs; null in safe mode. */
  running: string | null;
}

/** Loads a release of this device by hash; the factory's bytes come with the installation. */
export async function loadStored(
  options: OtaOptions,
  slots: Slots,
  hash: string,
): Promise<{ readonly ok: true; readonly release: LoadedRelease } | Refusal> {
  const isFactory = releaseHash(options.factory) === hash;
  const bytes = isFactory ? options.factory : await slots.bytes(hash);
  const expected = { hash, isFactory };
  return loadRelease(bytes ?? new Uint8Array(), expected, options.facts.compile, options.viewOf);
}

/** @throws CodedError `store_corrupt` if there is no pointer, which `boot` has written. */
export async function pointerOf(slots: Slots): Promise<Pointer> {
  const pointer = await slots.pointer();
  if (pointer) return pointer;
  throw new CodedError("store_corrupt", "There is no pointer to the release in force.");
}

/** Does work with a deadline. @throws CodedError `timeout`; the signal's reason; what the work throws. */
export async function within<T>(
  clock: Clock,
  ms: number | null,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stop = new AbortController();
  const inner = AbortSignal.any([signal, stop.signal]);
  const interrupted = new Promise<never>((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  const races: Promise<T>[] = [work(inner), interrupted];
  if (ms !== null) {
    races.push(
      clock.sleep(ms, inner).then(() => {
        throw new CodedError("timeout", "The step took too long.", { status: 412 });
      }),
    );
  }
  try {
    return await Promise.race(races);
  } finally {
    stop.abort(new CodedError("aborted", "The step is over."));
  }
}
