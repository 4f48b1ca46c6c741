/**
 * Every reading method of the control interface, once: a running daemon mounts them on its socket, `imuctl` calls them
 * over a stopped daemon's store. None of them writes.
 */
import { CodedError } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { CONTROL_LIMITS, LEDGER_LIMITS } from "../core/limits.ts";
import type { ContentStore, Sealer } from "../evidence/index.ts";
import type { Store } from "../ports/store.ts";
import type { CapabilityView } from "../vm/index.ts";
import type { Identity } from "./identity.ts";
import { bundlePage, ledgerKeys, ledgerPage, openBundle } from "./state-bundle.ts";
import { showEvidence, showRunEvidence } from "./state-evidence.ts";
import { exportRun, readRunExport } from "./state-export.ts";
import { ledgerEntry, ledgerHead, ledgerTail, verifyLedgerState } from "./state-ledger.ts";
import { countParam, optionalText, plainJson, textParam } from "./state-params.ts";
import { REPLAY_CHOICES, type ReplayChoice, replayJson, replayRun } from "./state-replay.ts";
import { listRuns, showRun, storedStatus } from "./state-runs.ts";

export type StateMethod = (params: JsonObject, signal: AbortSignal) => Promise<Json>;

/** What is at hand of the device's keys; each missing one makes proofs weaker and is reported, never an error. */
export interface StateKeys {
  /** Public key of the device, lower-case hex. */
  readonly deviceKey: string | null;
  readonly headKey: Uint8Array | null;
  readonly sealer: Sealer | null;
}

export const NO_KEYS: StateKeys = { deviceKey: null, headKey: null, sealer: null };

export const stateKeysOf = (identity: Identity): StateKeys => ({
  deviceKey: identity.pair.publicKeyHex,
  headKey: identity.headKey,
  sealer: identity.seal,
});

export interface StateParts {
  readonly store: Store;
  readonly content: ContentStore;
  readonly keys: StateKeys;
  /** Null where only the state directory is at hand. */
  readonly fleet: string | null;
  readonly view: CapabilityView;
  /** Entries verified so far. */
  readonly onProgress?: (entries: number) => void;
}

function replayChoice(params: JsonObject): ReplayChoice {
  const given = optionalText(params, "executor", 16) ?? "interpreter";
  const choice = REPLAY_CHOICES.find((name) => name === given);
  if (choice !== undefined) return choice;
  throw new CodedError("args_invalid", `"executor" is ${REPLAY_CHOICES.join(", ")}.`, {
    status: 422,
    details: { name: "executor" },
  });
}

/** @throws CodedError `args_invalid` (422), `not_found` (404), those of the store; for each method its own. */
export function createStateMethods(parts: StateParts): Readonly<Record<string, StateMethod>> {
  const { store, content, keys, fleet, view, onProgress } = parts;
  const facts = {
    store,
    fleet,
    deviceKey: keys.deviceKey,
    headKey: keys.headKey,
    ...(onProgress ? { onProgress } : {}),
  };
  return {
    "ledger.tail": (params) => ledgerTail(store, countParam(params, "n", CONTROL_LIMITS.list, 20)),
    "ledger.show": (params) => ledgerEntry(store, countParam(params, "index", LEDGER_LIMITS.index)),
    "ledger.head": () => ledgerHead(store),
    "ledger.verify": async (_params, signal) => plainJson(await verifyLedgerState(facts, signal)),
    "ledger.keys": () => ledgerKeys(facts),
    "ledger.export": (params) => ledgerPage(store, params),
    "bundle.open": (params) => openBundle(store, content, params),
    "bundle.page": (params) => bundlePage(store, content, params),
    "evidence.show": (params) => {
      const id = optionalText(params, "id", 64);
      return id === null
        ? showRunEvidence(content, textParam(params, "runId"), keys.sealer)
        : showEvidence(content, id, keys.sealer);
    },
    "evidence.export": (params) => exportRun(store, content, textParam(params, "runId")),
    "run.list": (params) =>
      listRuns(store, content, {
        limit: countParam(params, "limit", CONTROL_LIMITS.list, 20),
        program: optionalText(params, "program", 64),
      }),
    "run.show": (params) => showRun(store, content, textParam(params, "runId")),
    "run.replay": async (params) => {
      const run = readRunExport(await exportRun(store, content, textParam(params, "runId")));
      if (run.ok) return replayJson(replayRun(run, view, replayChoice(params)));
      throw new CodedError(run.code, "The stored run does not agree with its own hashes.", {
        status: run.status,
        details: run.details,
      });
    },
    "state.status": () => storedStatus(store, content),
  };
}
