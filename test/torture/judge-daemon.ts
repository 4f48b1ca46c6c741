/** What must be true of a daemon's folder after every kill: its ledger, its runs and their evidence belong together. */
import { join } from "node:path";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { type Identity, loadIdentity } from "../../firmware/composition/identity.ts";
import { showRunEvidence } from "../../firmware/composition/state-evidence.ts";
import { verifyLedgerState } from "../../firmware/composition/state-ledger.ts";
import { toHex } from "../../firmware/core/bytes.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { ContentStore, sealsOf } from "../../firmware/evidence/index.ts";
import { evidenceRoot, type IndexedEntry, LedgerReader } from "../../firmware/ledger/index.ts";
import type { Store } from "../../firmware/ports/store.ts";
import { RunStore } from "../../firmware/runs/index.ts";
import { deviceFolder, FLEET, greenhouseProgram, program } from "../system/device-folder.ts";
import type { Told } from "./lines.ts";
import type { Judge, Judged, Subject } from "./torture.ts";

const COUNTER = "counter";

/** Adds one to its own value: the value must be the number of its runs. */
const counter = program(COUNTER, {
  capabilities: ["kv.get", "kv.put"],
  code: [
    { op: "CAP", name: "kv.get", args: { key: "count" } },
    { op: "STORE", reg: "row" },
    { op: "PUSH", value: 0 },
    { op: "STORE", reg: "count" },
    { op: "GETK", oid: "reg:row", key: "found" },
    { op: "JZ", label: "ADD" },
    { op: "GETK", oid: "reg:row", key: "value" },
    { op: "STORE", reg: "count" },
    { op: "LABEL", name: "ADD" },
    { op: "LOAD", reg: "count" },
    { op: "PUSH", value: 1 },
    { op: "ADD" },
    { op: "STORE", reg: "count" },
    { op: "CAP", name: "kv.put", args: { key: "count", value: "reg:count" } },
    { op: "POP" },
    { op: "HALT" },
  ],
});

interface StoredRun {
  readonly program: string;
  readonly state: string;
  readonly evidence: readonly string[];
  /** First run of the rollup that stands for it; null for a run with an entry of its own. */
  readonly rollup: string | null;
}

async function storedRuns(store: Store, above: string): Promise<Map<string, StoredRun>> {
  const runs = new RunStore(store, new ContentStore({ store, wallMs: () => 0 }));
  const found = new Map<string, StoredRun>();
  for await (const [runId] of store.range("run", { gt: above })) {
    const { record, rollup } = await runs.stored(runId);
    const { program: of, state, evidence } = record;
    found.set(runId, { program: of.name, state, evidence, rollup });
  }
  return found;
}

const runEntries = (entries: readonly IndexedEntry[]): Map<string, JsonObject> =>
  new Map(
    entries.flatMap(({ entry: { event } }) =>
      event.kind === "run" && event.runId !== undefined ? [[event.runId, event.data] as const] : [],
    ),
  );

/** A run is there with its entry or its share, its record and all of its evidence, or not at all. */
function halfApplied(runs: ReadonlyMap<string, StoredRun>, told: ReadonlyMap<string, JsonObject>): string[] {
  const problems: string[] = [];
  for (const [runId, { evidence, rollup }] of runs) {
    const data = told.get(runId);
    if (data === undefined && rollup === null) problems.push(`run ${runId} has a record, but no entry`);
    if (data === undefined) continue;
    const isWhole =
      data.evidenceCount === evidence.length && data.evidenceRoot === toHex(evidenceRoot(evidence));
    if (!isWhole) problems.push(`the entry of run ${runId} and its record name other evidence`);
  }
  for (const runId of told.keys()) if (!runs.has(runId)) problems.push(`run ${runId} has no record`);
  return problems;
}

export class DaemonJudge implements Judge {
  readonly #dir: string;
  readonly #identity: Identity;
  #size = 0;
  #lastRun = "";
  #counted = 0;

  constructor(dir: string, identity: Identity) {
    this.#dir = dir;
    this.#identity = identity;
  }

  async judge(told: readonly Told[]): Promise<Judged> {
    await using store = await LevelStore.open(join(this.#dir, "state", "db"), { create: true });
    const { headKey, pair, seal } = this.#identity;
    const facts = { store, fleet: FLEET, deviceKey: pair.publicKeyHex, headKey };
    const report = await verifyLedgerState(facts, new AbortController().signal);
    const isNew = this.#size === 0 && report.size === 0;
    const warnings = report.warnings.filter(({ code }) => !(isNew && code === "no_anchor"));
    const problems = warnings.map((warning) => `warning ${JSON.stringify(warning)}`);
    if (!report.ok) problems.push(`verification: ${report.reason} at ${report.firstBad}`);
    if (report.epoch !== 0) problems.push(`the log is in epoch ${report.epoch}`);
    const reader = await LedgerReader.open(store);
    const fresh: IndexedEntry[] = [];
    for await (const entry of reader.entries(this.#size)) fresh.push(entry);
    const runs = await storedRuns(store, this.#lastRun);
    problems.push(...halfApplied(runs, runEntries(fresh)), ...missing(told, fresh, runs));
    const content = new ContentStore({ store, wallMs: () => 0, seals: sealsOf(seal) });
    for (const runId of runs.keys()) problems.push(...(await damaged(content, runId, runs, seal)));
    problems.push(...(await this.#miscounted(store, runs)));
    this.#size = report.size;
    this.#lastRun = [...runs.keys()].at(-1) ?? this.#lastRun;
    return { problems, size: report.size, acknowledged: told.filter(({ t }) => t === "run").length };
  }

  /** What a program keeps is written with its run or not at all. */
  async #miscounted(store: Store, runs: ReadonlyMap<string, StoredRun>): Promise<string[]> {
    for (const { program: of, state } of runs.values())
      if (of === COUNTER && state === "halted") this.#counted++;
    const row = await store.get("kv", `${COUNTER}!count`);
    const kept =
      row === undefined ? 0 : (JSON.parse(new TextDecoder().decode(row)) as { value: number }).value;
    return kept === this.#counted ? [] : [`${COUNTER} has counted ${kept} of ${this.#counted} runs`];
  }
}

async function damaged(
  content: ContentStore,
  runId: string,
  runs: ReadonlyMap<string, StoredRun>,
  sealer: Identity["seal"],
): Promise<string[]> {
  const { evidence = [] } = await showRunEvidence(content, runId, sealer);
  const list = evidence as readonly JsonObject[];
  const ids = list.map(({ id }) => id);
  const isSame = ids.join() === (runs.get(runId)?.evidence ?? []).join();
  const isIntact = list.every(({ integrity, seal }) => integrity === "intact" && seal === "good");
  return isSame && isIntact ? [] : [`the evidence of run ${runId} is not what it recorded`];
}

function missing(
  told: readonly Told[],
  fresh: readonly IndexedEntry[],
  runs: ReadonlyMap<string, StoredRun>,
): string[] {
  const hashes = new Map(fresh.map(({ index, hash }) => [index, hash]));
  return told.flatMap((line) => {
    if (line.t !== "run") return [];
    if (!runs.has(line.runId)) return [`acknowledged run ${line.runId} is missing`];
    if (line.index === null || hashes.get(line.index) === line.hash) return [];
    return [`acknowledged entry ${line.index} is missing or another one`];
  });
}

/** Initialises a greenhouse in `dir`, with programs that measure, act and keep values. */
export async function daemonSubject(dir: string): Promise<Subject> {
  const rates = { global: { rps: 1000, burst: 1000 }, perTopic: { "**": { rps: 500, burst: 500 } } };
  const made = await deviceFolder(dir, {
    programs: [await greenhouseProgram("irrigation"), await greenhouseProgram("climate"), counter],
    policy: (policy) => ({
      ...policy,
      rates,
      subjects: {
        ...(policy.subjects as JsonObject),
        [`program:${COUNTER}`]: { kind: "program", tier: "medium" },
      },
    }),
  });
  const identity = await loadIdentity(new NodeFiles(), join(dir, "state"));
  return {
    name: "daemon",
    args: () => ["daemon", made.configPath],
    judge: new DaemonJudge(dir, identity),
    openMs: 900,
    lifeMs: 500,
  };
}
