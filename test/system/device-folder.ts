/** Folders of devices as `imuctl init` makes them, with programs and a policy of the test's own, and their state at rest. */
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import type { BrokerConfig } from "../../firmware/composition/config-schema.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { type Initialised, initialise } from "../../firmware/composition/init.ts";
import { type LedgerVerification, verifyLedgerState } from "../../firmware/composition/state-ledger.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type IndexedEntry, LedgerReader } from "../../firmware/ledger/index.ts";

export const FLEET = "greenhouse";

export interface FolderOptions {
  /** Default: the greenhouse that comes with the product. */
  readonly programs?: readonly JsonObject[];
  /** Changes the greenhouse's policy. */
  readonly policy?: (policy: JsonObject) => JsonObject;
  readonly broker?: BrokerConfig;
  /** Default `sim`. */
  readonly board?: string;
  /** Lines added to imud.yaml. */
  readonly config?: string;
}

const example = (path: string): URL => new URL(`../../examples/greenhouse/${path}`, import.meta.url);

/** The policy of the greenhouse, still with its places for fleet, device and operator. */
export async function greenhousePolicy(): Promise<JsonObject> {
  return JSON.parse(await readFile(example("policy.json"), "utf8")) as JsonObject;
}

export async function greenhouseProgram(name: string): Promise<JsonObject> {
  return JSON.parse(await readFile(example(`programs/${name}.json`), "utf8")) as JsonObject;
}

/** Initialises a device in `dir`. */
export async function deviceFolder(dir: string, options: FolderOptions = {}): Promise<Initialised> {
  const template = join(dir, "template");
  const policy = await greenhousePolicy();
  const programs =
    options.programs ?? (await Promise.all(["climate", "door-alarm", "irrigation"].map(greenhouseProgram)));
  await mkdir(join(template, "programs"), { recursive: true });
  await writeFile(join(template, "policy.json"), JSON.stringify(options.policy?.(policy) ?? policy));
  for (const program of programs)
    await writeFile(join(template, "programs", `${String(program.name)}.json`), JSON.stringify(program));
  const made = await initialise({
    files: new NodeFiles(),
    entropy: new SystemEntropy(),
    nowMs: Date.now(),
    dir,
    board: options.board ?? "sim",
    fleet: FLEET,
    broker: options.broker ?? null,
    template,
  });
  if (options.config) await appendFile(made.configPath, options.config);
  return made;
}

/** A program with only what the test says. */
export const program = (name: string, members: JsonObject): JsonObject => ({
  format: "imu.program/1",
  name,
  version: "1.0.0",
  isa: 1,
  ...members,
});

/** What a stopped daemon has left behind. */
export interface Rest {
  readonly report: LedgerVerification;
  readonly entries: readonly IndexedEntry[];
}

/** Verifies the whole ledger with all keys and reads it. The daemon must have ended. */
export async function atRest(dir: string): Promise<Rest> {
  const identity = await loadIdentity(new NodeFiles(), join(dir, "state"));
  await using store = await LevelStore.open(join(dir, "state", "db"), { create: false });
  const facts = {
    store,
    fleet: FLEET,
    deviceKey: identity.pair.publicKeyHex,
    headKey: identity.headKey,
  };
  const report = await verifyLedgerState(facts, new AbortController().signal);
  const entries: IndexedEntry[] = [];
  const reader = await LedgerReader.open(store);
  for await (const entry of reader.entries(0, reader.head.size)) entries.push(entry);
  return { report, entries };
}
