/** What `imuctl` and the control socket read from a state in which any row may be damaged. */

import fc from "fast-check";
import { afterAll, beforeAll, expect, it } from "vitest";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { loadConfig } from "../../firmware/composition/config.ts";
import { createStateMethods, stateKeysOf } from "../../firmware/composition/state-methods.ts";
import { encodeCbor } from "../../firmware/core/cbor.ts";
import { isJsonObject, type Json, type JsonObject } from "../../firmware/core/json.ts";
import { ContentStore } from "../../firmware/evidence/index.ts";
import { put, type StoreOp } from "../../firmware/ports/store.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { silentLog } from "../fleet/support.ts";
import { TemporaryFolder } from "../support/daemon.ts";
import { openDevice } from "../support/open-device.ts";
import { deviceFolder } from "../system/device-folder.ts";
import { mutated, mutatedBytes, typedLater } from "./mutations.ts";

const SUBLEVELS = [
  "lg",
  "lgcp",
  "lghead",
  "lgsigned",
  "run",
  "runbase",
  "ev",
  "evrun",
  "evpack",
  "evbase",
  "cas",
  "progdoc",
  "runopen",
];
const signal = new AbortController().signal;

type Methods = ReturnType<typeof createStateMethods>;
let rows: readonly (StoreOp & { readonly type: "put" })[] = [];
let methodsOver: (store: MemoryStore) => Methods;
let runId = "";
let evidenceId = "";
let folder: TemporaryFolder;

beforeAll(async () => {
  folder = await TemporaryFolder.create();
  const { configPath } = await deviceFolder(folder.path);
  const config = await loadConfig(new NodeFiles(), configPath);
  const device = await openDevice(config, silentLog);
  await device.start();
  const { runs, state, loader } = device.parts;
  const result = await runs.start({ program: "climate", trigger: { type: "command" }, payload: {} });
  runId = result.runId;
  const found: (StoreOp & { readonly type: "put" })[] = [];
  for (const sub of SUBLEVELS)
    for await (const [key, value] of state.store.range(sub))
      found.push({ type: "put", sub, key, value: value.slice() });
  rows = found;
  evidenceId = (await state.content.evidenceOfRun(runId))[0]?.id ?? "";
  const keys = stateKeysOf(state.identity);
  const { view } = loader;
  methodsOver = (store) => {
    const content = new ContentStore({ store, wallMs: () => 1_700_000_000_000, onCorrupt: () => undefined });
    return createStateMethods({ store, content, keys, fleet: config.fleet, view });
  };
  await device.stop("test");
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

const good: Readonly<Record<string, JsonObject>> = {
  "ledger.tail": { n: 50 },
  "ledger.show": { index: 0 },
  "ledger.head": {},
  "ledger.verify": {},
  "run.list": {},
  "state.status": {},
};
const calls = (): Readonly<Record<string, JsonObject>> => ({
  ...good,
  "evidence.show": { id: evidenceId },
  "evidence.export": { runId },
  "run.show": { runId },
  "run.replay": { runId },
});

async function copyWith(changed: StoreOp): Promise<MemoryStore> {
  const store = new MemoryStore();
  await store.batch(rows, { sync: false });
  await store.batch([changed], { sync: false });
  return store;
}

it("answers every question about a sound state", async () => {
  const [first] = rows;
  if (!first) throw new Error("the state is empty");
  const methods = methodsOver(await copyWith(first));
  for (const [method, params] of Object.entries(calls()))
    expect(isJsonObject((await methods[method]?.(params, signal)) as Json)).toBe(true);
});

it("answers or refuses with a typed error, whatever one row has become", async () => {
  const wrong: readonly unknown[] = [null, {}, [], 5, "x", { v: 1 }, { v: 1, runId: "x", journal: {} }];
  const damage = fc.nat().chain((n) => {
    const row = rows[n % rows.length] ?? put("lg", "0", new Uint8Array());
    const value = row.type === "put" ? row.value : new Uint8Array();
    return fc
      .oneof(mutatedBytes(value), fc.constantFrom(...wrong.map(encodeCbor)))
      .map((bytes) => put(row.sub, row.key, bytes));
  });
  await fc.assert(
    fc.asyncProperty(damage, async (changed) => {
      const methods = methodsOver(await copyWith(changed));
      for (const [method, params] of Object.entries(calls()))
        await typedLater(async () => methods[method]?.(params, signal));
    }),
    { numRuns: 150 },
  );
});

it("answers or refuses with a typed error, whatever the parameters are", async () => {
  const [first] = rows;
  if (!first) throw new Error("the state is empty");
  const methods = methodsOver(await copyWith(first));
  const question = fc
    .constantFrom(...Object.entries(calls()))
    .chain(([method, params]) => mutated(params).map((changed) => [method, changed] as const));
  await fc.assert(
    fc.asyncProperty(question, async ([method, params]) => {
      await typedLater(async () => methods[method]?.(isJsonObject(params) ? params : {}, signal));
    }),
    { numRuns: 150 },
  );
});
