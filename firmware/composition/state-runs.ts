/** Recorded runs as lists and records, and what a stopped daemon's state says about its last life. */
import type { JsonObject } from "../core/json.ts";
import { CONTROL_LIMITS } from "../core/limits.ts";
import type { ContentStore } from "../evidence/index.ts";
import { LedgerReader } from "../ledger/index.ts";
import type { Store } from "../ports/store.ts";
import { RunStore } from "../runs/index.ts";
import { plainJson } from "./state-params.ts";

/** Entries looked at for the last boot and shutdown. */
const LIFE_ENTRIES = 20_000;

/** The newest first. */
export async function listRuns(
  store: Store,
  content: ContentStore,
  options: { readonly limit: number; readonly program: string | null },
): Promise<JsonObject> {
  const rows: JsonObject[] = [];
  const scanned = options.program === null ? options.limit : CONTROL_LIMITS.scanned;
  if (options.limit === 0) return { runs: rows };
  for await (const record of new RunStore(store, content).latest(scanned)) {
    const { runId, program, startedAt, state, release, metrics, outcome, evidence } = record;
    if (options.program !== null && program.name !== options.program) continue;
    rows.push({
      runId,
      program: program.name,
      startedAt,
      state,
      status: release.status,
      reason: release.reason ?? outcome.error?.reason ?? null,
      steps: metrics.cpuSteps,
      wallMs: metrics.wallMs,
      effects: outcome.effects.length,
      evidence: evidence.length,
      inputHash: record.inputHash,
      outputHash: record.outputHash,
    });
    if (rows.length >= options.limit) break;
  }
  return { runs: rows };
}

/** @throws CodedError `not_found` (404). */
export async function showRun(store: Store, content: ContentStore, runId: string): Promise<JsonObject> {
  return { run: plainJson(await new RunStore(store, content).read(runId)) };
}

/** The newest boot or shutdown entry, null if none of the last entries is one. */
async function lastLife(reader: LedgerReader): Promise<JsonObject | null> {
  const { size } = reader.head;
  let last: JsonObject | null = null;
  for await (const { index, entry } of reader.entries(Math.max(0, size - LIFE_ENTRIES), size)) {
    const { kind, data } = entry.event;
    if (kind === "boot" || kind === "shutdown") last = { index, kind, ts: entry.ts, data };
  }
  return last;
}

/**
 * What the state says by itself. `lastShutdown`: `clean` if the last life ended with its shutdown entry, `unclean` if
 * power or process were lost, `never` before the first start, `unknown` if the entries no longer tell.
 */
export async function storedStatus(store: Store, content: ContentStore): Promise<JsonObject> {
  const reader = await LedgerReader.open(store);
  const { size, lastHash, lastTs } = reader.head;
  const life = await lastLife(reader);
  const openRuns = await new RunStore(store, content).openRuns();
  const ended = life?.kind === "shutdown" ? "clean" : life === null ? "unknown" : "unclean";
  return {
    ledger: { size, hash: lastHash, lastTs, epoch: reader.epoch },
    lastShutdown: size === 0 ? "never" : ended,
    lastLife: life,
    openRuns: openRuns.map(({ runId, program, startedAt, outputs }) => ({
      runId,
      program,
      startedAt,
      outputs: [...outputs],
    })),
  };
}
