/** What is on a device's disk, read once and leniently: a row that cannot be read is a finding, not an exception. */
import { fromUtf8, toHex } from "../../../firmware/core/bytes.ts";
import { decodeCbor } from "../../../firmware/core/cbor.ts";
import { codeOf } from "../../../firmware/core/errors.ts";
import { isJsonObject, type Json, type JsonObject } from "../../../firmware/core/json.ts";
import type { Octets } from "../../../firmware/core/json-delta.ts";
import { readRunEvidence } from "../../../firmware/evidence/index.ts";
import type { Evidence } from "../../../firmware/evidence/types.ts";
import type { LedgerEntry } from "../../../firmware/ledger/types.ts";
import type { Store } from "../../../firmware/ports/store.ts";
import { decodeRun, RUN_BASES } from "../../../firmware/runs/index.ts";
import type { RunRecord } from "../../../firmware/vm/types.ts";
import { epochOf, ledgerSub } from "./epochs.ts";
import type { ObservedDevice } from "./invariant.ts";
import { anchorOf } from "./ledger-chain.ts";
import { historiesOf, type LineHistory } from "./line-history.ts";
import { activeLowLines, PolicyView } from "./policy-view.ts";
import { sampled } from "./sampling.ts";
import { Timeline } from "./timeline.ts";

/** All of a short run, evenly spread ones of a long one: reading one run's evidence costs a quarter of a millisecond. */
const SAMPLED_RUNS = 48;

/** An entry as it is stored; nothing about it is believed yet. */
export interface StoredEntry {
  readonly index: number;
  readonly entry: LedgerEntry;
  /** The canonical bytes beside which the hash was stored. */
  readonly bytes: Uint8Array;
  readonly hash: string;
  /** Hashes of the subtrees that it completes, from below, as they lie beside it. */
  readonly nodes: Uint8Array;
}

export interface DamagedRow {
  readonly sub: string;
  readonly key: string;
  readonly why: string;
}

export interface OutboxRow {
  readonly id: string;
  readonly idem: string | null;
  readonly topic: string;
  readonly body: Uint8Array;
}

export interface DeviceFacts {
  readonly device: ObservedDevice;
  readonly store: Store;
  readonly epoch: number;
  readonly entries: readonly StoredEntry[];
  readonly runs: readonly RunRecord[];
  readonly runsById: ReadonlyMap<string, RunRecord>;
  /** Runs whose evidence is looked at by every rule that cannot afford to read all of it. */
  readonly sample: readonly RunRecord[];
  readonly openRuns: readonly JsonObject[];
  /** Rows of `commands`, by command id. */
  readonly commands: ReadonlyMap<string, JsonObject>;
  readonly outbox: readonly OutboxRow[];
  readonly dead: readonly OutboxRow[];
  /** Losses that are counted but not yet reported. */
  readonly openGaps: number;
  readonly documents: ReadonlyMap<string, JsonObject>;
  /** Every policy known for this device: the first one and those of stored releases, by hash. */
  readonly policies: ReadonlyMap<string, PolicyView>;
  /** Policy hash by the hash of the release that brought it. */
  readonly policyOfRelease: ReadonlyMap<string, string>;
  readonly factory: PolicyView;
  /** Rows of `sync/head`, by origin. */
  readonly heads: ReadonlyMap<string, { readonly seq: number; readonly hash: string }>;
  readonly damaged: readonly DamagedRow[];
  readonly timeline: Timeline;
  readonly lines: ReadonlyMap<number, LineHistory>;
  readonly activeLow: ReadonlySet<number>;
  /** Envelopes of a run in order of recording; those that cannot be read are left out. */
  evidenceOf(runId: string): Promise<readonly Evidence[]>;
}

/** What a run names that was started at the device itself: `imuctl run` over the control socket. */
export const LOCAL_COMMAND = "local";

class RowReader {
  readonly damaged: DamagedRow[] = [];
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Every readable row of a sublevel. */
  async read<T>(sub: string, parse: (bytes: Uint8Array, key: string) => T): Promise<T[]> {
    const found: T[] = [];
    for await (const [key, bytes] of this.#store.range(sub)) {
      try {
        found.push(parse(bytes, key));
      } catch (error) {
        this.damaged.push({ sub, key, why: codeOf(error) });
      }
    }
    return found;
  }
}

const asObject = (value: unknown): JsonObject => {
  if (!isJsonObject(value)) throw new TypeError("not an object");
  return value;
};
export const parseObject = (bytes: Uint8Array): JsonObject => asObject(JSON.parse(fromUtf8(bytes)));
const cborObject = (bytes: Uint8Array): JsonObject => asObject(decodeCbor(bytes));

/** Rows of the present epoch (ledger.md 3): CBOR {entry: canonical bytes, hash, nodes?}. */
function entryOf(row: Uint8Array, key: string): StoredEntry {
  const { entry, hash, nodes = new Uint8Array() } = decodeCbor(row) as Readonly<Record<string, unknown>>;
  if (!(nodes instanceof Uint8Array)) throw new TypeError("no hashes");
  if (!(entry instanceof Uint8Array) || !(hash instanceof Uint8Array)) throw new TypeError("no entry");
  const parsed = parseObject(entry) as JsonObject & LedgerEntry;
  asObject(parsed.event.data);
  return { index: Number(key), entry: parsed, bytes: entry, hash: toHex(hash), nodes };
}

type Bases = ReadonlyMap<string, Octets>;

const runOf =
  (bases: Bases) =>
  (row: Uint8Array, runId: string): RunRecord => {
    const { record, rollup } = decodeRun(runId, row, (id) => bases.get(id));
    for (const part of [record.program, record.outcome, record.release, record.metrics, record.limits])
      asObject(part as unknown as Json);
    return rollup === null ? record : ({ ...record, rollup } as RunRecord);
  };

async function basesOf(store: Store): Promise<Bases> {
  const bases = new Map<string, Octets>();
  for await (const [id, bytes] of store.range(RUN_BASES)) bases.set(id, decodeCbor(bytes) as Octets);
  return bases;
}

const outboxOf = (row: Uint8Array): OutboxRow => cborObject(row) as JsonObject & OutboxRow;

interface Releases {
  readonly policies: ReadonlyMap<string, PolicyView>;
  readonly policyOfRelease: ReadonlyMap<string, string>;
}

async function releasesOf(
  rows: RowReader,
  factory: PolicyView,
  { offered = [] }: ObservedDevice,
): Promise<Releases> {
  const policies = new Map([[factory.policyHash, factory]]);
  const policyOfRelease = new Map<string, string>();
  const note = (hash: string, policy: JsonObject): void => {
    const view = new PolicyView(policy);
    policies.set(view.policyHash, view);
    policyOfRelease.set(hash, view.policyHash);
  };
  for (const { hash, policy } of offered) note(hash, policy);
  const bundles = await rows.read("policy", (bytes, key) =>
    key.startsWith("release/") ? { hash: key.slice("release/".length), bundle: parseObject(bytes) } : null,
  );
  for (const found of bundles) {
    if (found === null || !isJsonObject(found.bundle.policy ?? null)) continue;
    note(found.hash, asObject(found.bundle.policy));
  }
  return { policies, policyOfRelease };
}

/** What a fault of the disk has damaged is judged where records name it, not here. */
async function readable(reading: Promise<readonly Evidence[]>): Promise<readonly Evidence[]> {
  try {
    return await reading;
  } catch (error) {
    if (codeOf(error) === "store_corrupt") return [];
    throw error;
  }
}

function evidenceReader(store: Store): DeviceFacts["evidenceOf"] {
  const known = new Map<string, readonly Evidence[]>();
  return async (runId) => {
    const cached = known.get(runId);
    if (cached) return cached;
    const list = await readable(readRunEvidence(store, runId));
    known.set(runId, list);
    return list;
  };
}

export async function readFacts(device: ObservedDevice): Promise<DeviceFacts> {
  const store = device.store();
  const rows = new RowReader(store);
  const epoch = await epochOf(store);
  const factory = new PolicyView(device.policy);
  const { index: first } = await anchorOf(store, epoch);
  // Bodies below the anchor are on their way out: the next start finishes what a stop has interrupted.
  const entries = (await rows.read(ledgerSub("lg", epoch), entryOf)).filter(({ index }) => index >= first);
  const runs = await rows.read("run", runOf(await basesOf(store)));
  const openRuns = await rows.read("runopen", cborObject);
  const commands = await rows.read("commands", cborObject);
  const documents = await rows.read("progdoc", (bytes, key) => [key, parseObject(bytes)] as const);
  const heads = await rows.read("sync/head", (bytes, key) => {
    const { seq, hash } = cborObject(bytes);
    return [key, { seq: Number(seq), hash: String(hash) }] as const;
  });
  const gaps = await rows.read("outbox_gaps", (bytes) => Number(cborObject(bytes).count));
  return {
    device,
    store,
    epoch,
    entries,
    runs,
    runsById: new Map(runs.map((run) => [run.runId, run])),
    sample: sampled(runs, SAMPLED_RUNS),
    openRuns,
    commands: new Map(commands.map((row) => [String(row.id), row])),
    outbox: await rows.read("outbox", outboxOf),
    dead: await rows.read("outbox_dead", outboxOf),
    openGaps: gaps.reduce((sum, count) => sum + count, 0),
    documents: new Map(documents),
    ...(await releasesOf(rows, factory, device)),
    factory,
    heads: new Map(heads),
    damaged: rows.damaged,
    timeline: new Timeline(device.lives),
    lines: historiesOf(device.moves),
    activeLow: activeLowLines(device.config),
    evidenceOf: evidenceReader(store),
  };
}
