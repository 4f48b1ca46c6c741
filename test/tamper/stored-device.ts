/** What a stopped device has stored, as rows that a test changes; and every name that its own checks give to a change. */
import { join } from "node:path";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { detachedRegistry } from "../../firmware/composition/state-capabilities.ts";
import { createStateMethods, type StateKeys, stateKeysOf } from "../../firmware/composition/state-methods.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { decodeCbor } from "../../firmware/core/cbor.ts";
import { codeOf } from "../../firmware/core/errors.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Octets } from "../../firmware/core/json-delta.ts";
import { ContentStore, readRunEvidence, sealsOf } from "../../firmware/evidence/index.ts";
import type { Evidence } from "../../firmware/evidence/types.ts";
import { put, type StoreOp } from "../../firmware/ports/store.ts";
import { capabilityView, decodeRun } from "../../firmware/runs/index.ts";
import type { CapabilityView } from "../../firmware/vm/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { verify } from "../../verify/index.ts";
import { type Exported, exportedDevice } from "../verify/exported-device.ts";

/** Sublevels of the ledger, of evidence and of runs. */
export const SUBS = [
  "lg",
  "lgn",
  "lgcp",
  "lghead",
  "lgsigned",
  "lganchor",
  "lgepoch",
  "ev",
  "evrun",
  "evpack",
  "evbase",
  "cas",
  "run",
  "runbase",
  "progdoc",
  "policy",
] as const;
export type Sub = (typeof SUBS)[number];

export interface Row {
  readonly sub: Sub;
  readonly key: string;
  readonly value: Uint8Array;
}

const NOW_SEC = 4_000_000_000;

async function rowsOf(state: string): Promise<readonly Row[]> {
  await using store = await LevelStore.open(join(state, "db"), { create: false });
  const rows: Row[] = [];
  for (const sub of SUBS)
    for await (const [key, value] of store.range(sub)) rows.push({ sub, key, value: value.slice() });
  return rows;
}

const sealsIn = ({ sealer }: StateKeys) => (sealer === null ? {} : { seals: sealsOf(sealer) });

async function evidenceIn(
  rows: readonly Row[],
  runId: string,
  { sealer }: StateKeys,
): Promise<readonly Evidence[]> {
  await using store = new MemoryStore();
  await store.batch(
    rows.map(({ sub, key, value }) => put(sub, key, value)),
    { sync: true },
  );
  return await readRunEvidence(store, runId, sealer === null ? null : sealsOf(sealer));
}

export class StoredDevice implements AsyncDisposable {
  readonly device: Exported;
  readonly rows: readonly Row[];
  readonly keys: StateKeys;
  /** Of the run, in order. */
  readonly evidence: readonly Evidence[];
  readonly #view: CapabilityView;

  private constructor(
    device: Exported,
    rows: readonly Row[],
    keys: StateKeys,
    view: CapabilityView,
    evidence: readonly Evidence[],
  ) {
    this.evidence = evidence;
    this.device = device;
    this.rows = rows;
    this.keys = keys;
    this.#view = view;
  }

  static async create(): Promise<StoredDevice> {
    const device = await exportedDevice();
    const entropy = new SystemEntropy();
    const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
    const view = capabilityView(await detachedRegistry({ clock, entropy }));
    const keys = stateKeysOf(await loadIdentity(new NodeFiles(), device.state));
    const rows = await rowsOf(device.state);
    return new StoredDevice(device, rows, keys, view, await evidenceIn(rows, device.runId, keys));
  }

  of(sub: Sub): readonly Row[] {
    return this.rows.filter((row) => row.sub === sub);
  }

  /** The state with these operations applied behind the daemon's back. */
  async changed(ops: readonly StoreOp[]): Promise<MemoryStore> {
    const store = new MemoryStore();
    await store.batch(
      this.rows.map(({ sub, key, value }) => put(sub, key, value)),
      { sync: true },
    );
    await store.batch(ops, { sync: true });
    return store;
  }

  /**
   * What `imuctl ledger verify`, `evidence show`, `replay` and a bundle in the hands of a verifier say: their codes, as
   * `ledger:hash_mismatch@2`, `warning:…`, `evidence:…`, `run:…`, `content:…`, `bundle:…`. Empty if all is good.
   */
  async findings(ops: readonly StoreOp[]): Promise<readonly string[]> {
    await using store = await this.changed(ops);
    const content = new ContentStore({ store, wallMs: () => 0, ...sealsIn(this.keys) });
    const parts = { store, content, keys: this.keys, fleet: "greenhouse", view: this.#view };
    const methods = createStateMethods(parts);
    const found = new Set<string>();
    const ask = async (
      name: string,
      params: JsonObject,
      read: (answer: JsonObject) => void,
      about: string,
    ) => {
      try {
        read((await methods[name]?.(params, new AbortController().signal)) as JsonObject);
      } catch (error) {
        found.add(`${about}:${codeOf(error)}`);
      }
    };
    await ask("ledger.verify", {}, (report) => ledgerFindings(report, found), "ledger");
    const { runId } = this.device;
    await ask("evidence.show", { runId }, (shown) => evidenceFindings(shown, found), "evidence");
    await ask(
      "run.replay",
      { runId, executor: "interpreter" },
      (report) => runFindings(report, found),
      "run",
    );
    for (const { key } of this.of("cas")) {
      await content.get(key).catch((error: unknown) => found.add(`content:${codeOf(error)}`));
    }
    const lines: string[] = [];
    const page = (answer: JsonObject): void => {
      lines.push(...(answer.lines as string[]));
      cursor = answer.cursor ?? null;
    };
    let cursor: Json = null;
    await ask("bundle.open", { content: true }, page, "bundle");
    while (cursor !== null) {
      const params: JsonObject = cursor as JsonObject;
      cursor = null;
      await ask("bundle.page", params, page, "bundle");
    }
    const { log, witnesses } = this.device;
    const report = await verify(utf8(lines.join("")), { keys: [log], witnesses, nowSec: NOW_SEC });
    for (const { code } of report.findings) found.add(`bundle:${code}`);
    return [...found];
  }

  /** The record of a run, whole. @throws CodedError `store_corrupt`. */
  recordOf(runId: string, row: Uint8Array): JsonObject {
    const base = (id: string) => this.of("runbase").find(({ key }) => key === id)?.value;
    const { record, rollup } = decodeRun(runId, row, (id) => {
      const bytes = base(id);
      return bytes === undefined ? undefined : (decodeCbor(bytes) as Octets);
    });
    return { ...(record as unknown as JsonObject), rollup };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.device[Symbol.asyncDispose]();
  }
}

function ledgerFindings(report: JsonObject, found: Set<string>): void {
  if (report.ok !== true) found.add(`ledger:${report.reason}@${report.firstBad}`);
  for (const { code } of report.warnings as readonly JsonObject[]) found.add(`warning:${code}`);
}

function evidenceFindings(shown: JsonObject, found: Set<string>): void {
  for (const { integrity, seal } of shown.evidence as readonly JsonObject[]) {
    if (integrity !== "intact") found.add(`evidence:${integrity}`);
    if (seal !== "good") found.add(`evidence:${seal}`);
  }
}

function runFindings(report: JsonObject, found: Set<string>): void {
  if (report.code !== null) found.add(`run:${report.code}`);
  if (report.trace !== "matches") found.add(`run:trace_${report.trace}`);
}
