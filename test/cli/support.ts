import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LevelStore } from "../../firmware/adapters/level-store.ts";
import { NodeFiles } from "../../firmware/adapters/node-files.ts";
import { SystemClock } from "../../firmware/adapters/system-clock.ts";
import { SystemEntropy } from "../../firmware/adapters/system-entropy.ts";
import { runCli } from "../../firmware/cli/cli.ts";
import type { Io } from "../../firmware/cli/io.ts";
import { loadIdentity } from "../../firmware/composition/identity.ts";
import { initialise } from "../../firmware/composition/init.ts";
import { detachedRegistry } from "../../firmware/composition/state-capabilities.ts";
import type { Json } from "../../firmware/core/json.ts";
import { ContentStore, RunEvidence, SourceRegistry } from "../../firmware/evidence/index.ts";
import { Ledger } from "../../firmware/ledger/index.ts";
import { del } from "../../firmware/ports/store.ts";
import { capabilityView, RunStore } from "../../firmware/runs/index.ts";
import { createMachine, effectiveLimits, VM_VERSION, verifyProgram } from "../../firmware/vm/index.ts";

export const NOW = 1_750_000_000_000;
const entropy = new SystemEntropy();
const files = new NodeFiles();

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** What a command gets from its surroundings in tests. */
export const ioOf = (change: Partial<Io> = {}): Io => ({
  out: () => undefined,
  err: () => undefined,
  isTty: false,
  env: {},
  cwd: tmpdir(),
  user: "operator",
  files,
  clock: new SystemClock({ entropy, floorMs: 0, synchronised: () => true }),
  entropy,
  signal: new AbortController().signal,
  ...change,
});

/** Runs a command in this process with streams of its own. */
export async function imuctl(argv: readonly string[], change: Partial<Io> = {}): Promise<Outcome> {
  let [out, err] = ["", ""];
  const io = ioOf({
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    ...change,
  });
  const code = await runCli(argv, io);
  return { code, out, err };
}

/** A folder that is gone when the test is. */
export async function tempDir(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "imuctl-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** Reads a clock and answers with a sum: one call in the journal, one claim. */
export const SUM_PROGRAM: Json = {
  format: "imu.program/1",
  name: "sum",
  version: "1.0.0",
  isa: 1,
  capabilities: ["clock.now"],
  code: [
    { op: "CAP", name: "clock.now", args: {} },
    { op: "STORE", reg: "clock" },
    { op: "PUSH", ref: "$.payload.a" },
    { op: "PUSH", ref: "$.payload.b" },
    { op: "ADD" },
    { op: "STORE", reg: "sum" },
    { op: "EVIDENCE", claim: "a+b=sum", sources: ["vm://sum"] },
    { op: "RESPOND", status: 200, body: { sum: "reg:sum" } },
  ],
};

async function recordedRun(deviceDir: string, runId: string) {
  const identity = await loadIdentity(files, join(deviceDir, "state"));
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
  const verified = verifyProgram(SUM_PROGRAM, capabilityView(await detachedRegistry({ clock, entropy })));
  if (!verified.ok) throw new Error(JSON.stringify(verified.issues));
  const subject = "program:sum";
  const evidence = new RunEvidence({
    runId,
    subject,
    deviceId: identity.deviceId,
    policyHash: "c".repeat(64),
    clock,
    sources: new SourceRegistry({ simulated: false }),
    sealer: identity.seal,
    maxPerRun: 64,
  });
  evidence.record({
    kind: "run_start",
    source: "local://runs",
    payload: { programHash: verified.programHash },
  });
  const limits = effectiveLimits({ tier: "medium" });
  const payload = { a: 2, b: 3 };
  const trigger = { kind: "command", name: "run.start" };
  const machine = createMachine(verified, { payload, trigger, limits, inputs: { elapsedMs: () => 0 } });
  while (machine.result === null) {
    machine.runSlice(1000);
    for (const request of machine.takeRequests()) {
      if (request.kind !== "call") throw new Error("unexpected request");
      const reading = { wallMs: NOW, monoMs: 5, state: "trusted" };
      const { id } = evidence.record({ kind: "clock_read", source: "local://clock", payload: reading });
      const answer = { ok: true as const, result: reading, evidence: [id] };
      machine.complete({ kind: "call", request: request.id, answer });
    }
  }
  const { result } = machine;
  const { inputHash, outputHash, metrics, outcome, journal } = result;
  evidence.record({
    kind: "vm_trace",
    source: "vm://sum",
    payload: {
      programHash: verified.programHash,
      inputHash,
      outputHash,
      steps: metrics.cpuSteps,
      vmVersion: VM_VERSION,
    },
  });
  evidence.settle();
  const record = {
    v: 1 as const,
    runId,
    program: { name: "sum", version: "1.0.0", programHash: verified.programHash },
    subject,
    tier: "medium" as const,
    policyHash: "c".repeat(64),
    trigger,
    limits,
    startedAt: NOW,
    wallMs: 3,
    payload,
    journal,
    outcome,
    release: { ok: true, status: 200, reason: null },
    vmVersion: VM_VERSION,
    inputHash,
    outputHash,
    metrics: { ...metrics, wallMs: 3, phiChargedMilli: 0 },
    evidence: evidence.list.map(({ id }) => id),
    safeStates: [],
    state: "responded" as const,
  };
  return { record, document: verified.document, evidenceOps: evidence.ops(), hash: verified.programHash };
}

export const RUN_ID = "r01978000000001020304";

/** A stopped device with one recorded run, eight more ledger entries and a signed checkpoint. */
export async function stoppedDevice(
  dir: string,
): Promise<{ readonly config: string; readonly state: string }> {
  await initialise({ files, entropy, nowMs: NOW, dir, board: "sim", fleet: "plant" });
  const state = join(dir, "state");
  const identity = await loadIdentity(files, state);
  await using store = await LevelStore.open(join(state, "db"), { create: true });
  const clock = new SystemClock({ entropy, floorMs: 0, synchronised: () => true });
  const content = new ContentStore({ store, wallMs: () => NOW });
  const runs = new RunStore(store, content);
  const ledger = await Ledger.open({
    store,
    clock,
    fleet: "plant",
    device: identity.deviceId,
    headKey: identity.headKey,
    signer: identity.pair,
    simulated: true,
    groupCommitMs: 0,
  });
  const { record, document, evidenceOps, hash } = await recordedRun(dir, RUN_ID);
  const ops = [...evidenceOps, ...runs.stage(record).ops, runs.stageDocument(hash, document)];
  const event = (kind: string, data: Record<string, Json>) => ({
    kind,
    actor: "daemon",
    severity: "info" as const,
    data,
  });
  await ledger.commit({ events: [event("boot", {})], ops });
  for (let n = 0; n < 6; n++) {
    await ledger.commit({ events: [event("config_change", { name: `p${n}`, old: n, new: n + 1 })], ops: [] });
  }
  await ledger.checkpoint();
  await ledger.commit({ events: [event("shutdown", { reason: "SIGTERM" })], ops: [] });
  await ledger.close();
  // As if power had gone before the last checkpoint was signed.
  await store.batch([del("lgcp", "000000000008")], { sync: true });
  return { config: join(dir, "imud.yaml"), state };
}

type Fields = Record<string | number, unknown>;

/** A parsed document that a test deforms at will, by path. */
export class Deformed {
  readonly #root: Fields;

  constructor(text: string) {
    this.#root = JSON.parse(text) as Fields;
  }

  get(...path: readonly (string | number)[]): unknown {
    return path.reduce<unknown>((at, key) => (at as Fields)[key], this.#root);
  }

  set(path: readonly (string | number)[], value: unknown): void {
    const parent = this.get(...path.slice(0, -1)) as Fields;
    parent[path[path.length - 1] ?? ""] = value;
  }

  list(...path: readonly (string | number)[]): unknown[] {
    return this.get(...path) as unknown[];
  }

  get text(): string {
    return JSON.stringify(this.#root);
  }
}
