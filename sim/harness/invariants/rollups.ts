/**
 * Runs that share an entry (ledger.md 8): each is covered once, by a rollup that says of them what their records say, and
 * none of them was one that must have an entry of its own.
 */
import { toHex } from "../../../firmware/core/bytes.ts";
import { jcs } from "../../../firmware/core/canonical-json.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { sha256 } from "../../../firmware/core/hash.ts";
import { isJsonObject, type JsonObject } from "../../../firmware/core/json.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import type { DeviceFacts, StoredEntry } from "./facts.ts";
import { Edge } from "./ledger-chain.ts";

type Say = (what: string, details: JsonObject) => void;

/** The sublevel that notes which rollups have begun and are not written. */
const GROWING = "rollup";
const MAX_RUNS = 1000;
const SHARING = new Set(["interval", "at", "cron", "gpio", "mqtt", "signal", "queue"]);

/** The first run of the rollup that a stored record is part of; null for one with an entry of its own. */
export function rollupOf(record: RunRecord): string | null {
  const { rollup = null }: { readonly rollup?: unknown } = record as RunRecord & { rollup?: unknown };
  return typeof rollup === "string" ? rollup : null;
}

function leafOf(record: RunRecord): Uint8Array {
  const { rollup: _, ...plain } = record as RunRecord & { rollup?: unknown };
  return sha256(Uint8Array.of(0), jcs(plain as typeof plain & JsonObject));
}

function statedOf(runs: readonly RunRecord[]): JsonObject {
  const edge = new Edge();
  for (const run of runs) edge.append(leafOf(run));
  const [first, last] = [runs[0], runs.at(-1)];
  return {
    programId: first?.program.name ?? null,
    programHash: first?.program.programHash ?? null,
    policyHash: first?.policyHash ?? null,
    firstRunId: first?.runId ?? null,
    lastRunId: last?.runId ?? null,
    from: first?.startedAt ?? null,
    to: last?.startedAt ?? null,
    count: runs.length,
    runsRoot: toHex(edge.root()),
    evidenceCount: runs.reduce((sum, { evidence }) => sum + evidence.length, 0),
    maxSteps: Math.max(...runs.map(({ metrics }) => metrics.cpuSteps)),
    maxWallMs: Math.max(...runs.map(({ metrics }) => metrics.wallMs)),
  };
}

/** Why a run must have an entry of its own, as far as its record tells; null if it need not. */
function eventOf({ state, release, outcome, metrics, safeStates, trigger }: RunRecord): string | null {
  if (state !== "halted" && state !== "responded") return `state ${state}`;
  if (!release.ok || outcome.error !== null || outcome.status >= 400) return "not ok";
  if (metrics.refusals > 0 || safeStates.length > 0) return "refusals or safe states";
  const { kind } = isJsonObject(trigger) ? trigger : {};
  return typeof kind === "string" && SHARING.has(kind) ? null : "trigger";
}

function checkRollup({ index, entry }: StoredEntry, runs: readonly RunRecord[], say: Say): void {
  const { data } = entry.event;
  const eventful = runs.find((run) => eventOf(run) !== null);
  if (eventful !== undefined)
    say("A run that was not uneventful has no entry of its own.", {
      runId: eventful.runId,
      why: eventOf(eventful),
      index,
    });
  if (Number(data.count) > MAX_RUNS)
    say("A rollup covers too many runs.", { index, count: Number(data.count) });
  const stated = statedOf(runs);
  const wrong = Object.keys(stated).find((member) => stated[member] !== data[member]);
  if (wrong !== undefined)
    say("A rollup is not what the records of its runs say.", {
      index,
      member: wrong,
      stated: data[wrong] ?? null,
      records: stated[wrong] ?? null,
    });
}

async function growingIn({ store }: DeviceFacts): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for await (const [, row] of store.range(GROWING)) {
    const value = decodeCbor(row);
    if (isJsonObject(value)) found.add(String(value.runId));
  }
  return found;
}

/** @param own runs with an entry of their own. */
export async function checkRollups(facts: DeviceFacts, own: ReadonlySet<string>, say: Say): Promise<void> {
  const { entries, runs } = facts;
  const groups = new Map<string, RunRecord[]>();
  for (const run of runs) {
    const first = rollupOf(run);
    if (first === null) continue;
    if (own.has(run.runId)) say("A run has an entry and a share in a rollup.", { runId: run.runId });
    const known = groups.get(first);
    if (known) known.push(run);
    else groups.set(first, [run]);
  }
  const oldest = runs[0]?.runId ?? "";
  const covered = new Set<string>();
  for (const stored of entries) {
    if (stored.entry.event.kind !== "run_rollup") continue;
    const first = String(stored.entry.event.data.firstRunId);
    if (covered.has(first))
      say("Runs are covered by two rollups.", { firstRunId: first, index: stored.index });
    covered.add(first);
    // Records that retention has taken are no contradiction.
    if (first >= oldest) checkRollup(stored, groups.get(first) ?? [], say);
  }
  const isWhole = (entries[0]?.index ?? 0) === 0;
  if (!isWhole) return;
  const growing = await growingIn(facts);
  for (const [first, shared] of groups) {
    if (!covered.has(first) && !growing.has(first))
      say("Runs are covered by no rollup.", { firstRunId: first, runs: shared.length });
  }
  const lost = runs.find((run) => rollupOf(run) === null && !own.has(run.runId));
  if (lost !== undefined) say("A run's record has no entry in the ledger.", { runId: lost.runId });
}
