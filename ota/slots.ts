/** Where releases, the pointer to the one in force and the runs of updates are stored (rollout.md 2; policy.md 11). */
import { decodeCbor, encodeCbor } from "../firmware/core/cbor.ts";
import { CodedError } from "../firmware/core/errors.ts";
import { isJsonObject } from "../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../firmware/core/limits.ts";
import { del, put, type Store, type StoreOp } from "../firmware/ports/store.ts";
import type { OtaRun } from "./run.ts";

export const POLICY_SUB = "policy";
export const OTA_SUB = "ota";

/** Which release is in force and where to go back to. */
export interface Pointer {
  readonly active: string;
  readonly previous: string | null;
  readonly factory: string;
  readonly lastKnownGood: string;
  readonly slot: "trial" | "committed";
  /** Highest version ever committed: an older offer is a replay. */
  readonly versionFloor: number;
  /** Committed releases, oldest first. */
  readonly history: readonly {
    readonly hash: string;
    readonly releaseId: string;
    readonly version: number;
  }[];
  /** Releases that were rolled back, until an operator retries them. */
  readonly bad: readonly string[];
}

export interface Refused {
  /** Wall ms. */
  readonly at: number;
  readonly reason: string;
}

/** How the daemon ended last time. */
export interface BootMark {
  readonly kernelBootId: string;
  readonly clean: boolean;
}

const releaseKey = (hash: string): string => `release/${hash}`;

function corrupt(key: string): never {
  throw new CodedError("store_corrupt", "A stored record of the updates cannot be read.", {
    details: { key },
  });
}

/** Rows with the members that were written; the ledger's batch wrote them whole or not at all. */
async function record<T>(
  store: Store,
  sub: string,
  key: string,
  isT: (value: unknown) => boolean,
): Promise<T | null> {
  const bytes = await store.get(sub, key);
  if (bytes === undefined) return null;
  const value = decodeCbor(bytes);
  return isT(value) ? (value as T) : corrupt(key);
}

const isPointer = (value: unknown): boolean =>
  isJsonObject(value) &&
  typeof value.active === "string" &&
  typeof value.factory === "string" &&
  Array.isArray(value.history) &&
  Array.isArray(value.bad);
const isRun = (value: unknown): boolean =>
  isJsonObject(value) && typeof value.runId === "string" && typeof value.state === "string";

export class Slots {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** @throws CodedError `store_corrupt`. */
  pointer(): Promise<Pointer | null> {
    return record<Pointer>(this.#store, POLICY_SUB, "pointer", isPointer);
  }

  putPointer(pointer: Pointer): StoreOp {
    const history = pointer.history.slice(-TRIAL_LIMITS.history);
    return put(POLICY_SUB, "pointer", encodeCbor({ ...pointer, history }));
  }

  async bytes(hash: string): Promise<Uint8Array | null> {
    return (await this.#store.get(POLICY_SUB, releaseKey(hash))) ?? null;
  }

  putBytes(hash: string, bytes: Uint8Array): StoreOp {
    return put(POLICY_SUB, releaseKey(hash), bytes);
  }

  /** Operations that forget all stored releases but these. */
  async dropOthers(keep: ReadonlySet<string>): Promise<readonly StoreOp[]> {
    const ops: StoreOp[] = [];
    for await (const [key] of this.#store.range(POLICY_SUB, { gte: "release/", lt: "release0" })) {
      if (!keep.has(key.slice("release/".length))) ops.push(del(POLICY_SUB, key));
    }
    return ops;
  }

  async statement(hash: string): Promise<Uint8Array | null> {
    return (await this.#store.get(OTA_SUB, `staged/${hash}`)) ?? null;
  }

  putStatement(hash: string, bytes: Uint8Array): StoreOp {
    return put(OTA_SUB, `staged/${hash}`, bytes);
  }

  /** @throws CodedError `store_corrupt`. */
  current(): Promise<OtaRun | null> {
    return record<OtaRun>(this.#store, OTA_SUB, "current", isRun);
  }

  putCurrent(run: OtaRun): StoreOp {
    return put(OTA_SUB, "current", encodeCbor(run));
  }

  /** Ends a run: it moves to the history, of which the last 50 are kept. */
  async archive(run: OtaRun): Promise<readonly StoreOp[]> {
    const keys: string[] = [];
    for await (const [key] of this.#store.range(OTA_SUB, { gte: "run/", lt: "run0" })) keys.push(key);
    const old = keys.slice(0, Math.max(0, keys.length + 1 - TRIAL_LIMITS.keptRuns));
    return [
      ...old.map((key) => del(OTA_SUB, key)),
      put(OTA_SUB, `run/${run.runId}`, encodeCbor(run)),
      del(OTA_SUB, "current"),
      del(OTA_SUB, `staged/${run.candidate}`),
    ];
  }

  /** Oldest first. */
  async runs(): Promise<readonly OtaRun[]> {
    const found: OtaRun[] = [];
    for await (const [key, value] of this.#store.range(OTA_SUB, { gte: "run/", lt: "run0" })) {
      const run = decodeCbor(value);
      found.push(isRun(run) ? (run as OtaRun) : corrupt(key));
    }
    return found;
  }

  refused(hash: string): Promise<Refused | null> {
    const isRefused = (value: unknown): boolean => isJsonObject(value) && typeof value.at === "number";
    return record<Refused>(this.#store, OTA_SUB, `refused/${hash}`, isRefused);
  }

  /** Refusals that have lapsed are dropped along the way. */
  async putRefused(hash: string, refused: Refused, lapsedBefore: number): Promise<readonly StoreOp[]> {
    const ops: StoreOp[] = [];
    for await (const [key, value] of this.#store.range(OTA_SUB, { gte: "refused/", lt: "refused0" })) {
      const old = decodeCbor(value);
      if (isJsonObject(old) && typeof old.at === "number" && old.at < lapsedBefore)
        ops.push(del(OTA_SUB, key));
    }
    return [...ops, put(OTA_SUB, `refused/${hash}`, encodeCbor(refused))];
  }

  dropRefused(hash: string): StoreOp {
    return del(OTA_SUB, `refused/${hash}`);
  }

  bootMark(): Promise<BootMark | null> {
    const isMark = (value: unknown): boolean => isJsonObject(value) && typeof value.kernelBootId === "string";
    return record<BootMark>(this.#store, OTA_SUB, "boot", isMark);
  }

  putBootMark(mark: BootMark): StoreOp {
    return put(OTA_SUB, "boot", encodeCbor(mark));
  }
}
