import { keyPairFromSeed } from "../../firmware/core/ed25519.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type KeyRecord, keyIdOf, type Scope } from "../../firmware/core/key-record.ts";
import { eventText } from "../../firmware/ledger/index.ts";
import type { LedgerEvent } from "../../firmware/ledger/types.ts";
import type { Log } from "../../firmware/ports/log.ts";
import type { Store, StoreOp, StoreRange } from "../../firmware/ports/store.ts";
import {
  createMachine,
  effectiveLimits,
  type ProgramDocument,
  programHash,
  VM_VERSION,
} from "../../firmware/vm/index.ts";
import {
  type BuiltRelease,
  type BundleSource,
  buildRelease,
  bundleBytes,
  type DryRunResult,
  type LoadedRelease,
  type OtaOptions,
  OtaService,
  type RecordedRun,
  type ReleaseSource,
} from "../../ota/index.ts";
import { MemoryStore } from "../../sim/disk/memory-store.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { smallestPolicy } from "../policy/smallest-policy.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const NOW = 1_700_000_000_000;
const DAY_MS = 86_400_000;

/** A program that counts down from `loops` and ends without a reply: 11 steps each time round. */
export const countdown = (loops: number, name = "pump", version = "1.0.0"): JsonObject => ({
  format: "imu.program/1",
  name,
  version,
  isa: 1,
  code: [
    { op: "PUSH", value: loops },
    { op: "STORE", reg: "i" },
    { op: "LABEL", name: "again" },
    { op: "LOAD", reg: "i" },
    { op: "JZ", label: "end" },
    { op: "LOAD", reg: "i" },
    { op: "PUSH", value: 1 },
    { op: "SUB" },
    { op: "STORE", reg: "i" },
    { op: "JUMP", label: "again" },
    { op: "LABEL", name: "end" },
    { op: "HALT" },
  ],
});

export const policyFor = (
  version: number,
  programs: readonly JsonObject[],
  change: JsonObject = {},
): JsonObject => ({
  ...smallestPolicy,
  version,
  subjects: Object.fromEntries(
    programs.map((program) => [
      `program:${String(program.name)}`,
      { kind: "program", programHash: programHash(program), tier: "medium" },
    ]),
  ),
  decisions: { rules: [{ id: "start", topic: "program://**", action: "invoke", decision: "allow" }] },
  ...change,
});

/** A signing operator. */
export function operator(
  seed: number,
  scopes: readonly Scope[] = ["deploy"],
  change: Partial<KeyRecord> = {},
) {
  const pair = keyPairFromSeed(new Uint8Array(32).fill(seed));
  const keyId = keyIdOf(pair.publicKeyHex);
  const key: KeyRecord = {
    keyId,
    publicKey: pair.publicKeyHex,
    alg: "ed25519",
    owner: `operator-${seed}`,
    scopes,
    audience: "*",
    notBefore: NOW - DAY_MS,
    expiresAt: NOW + 365 * DAY_MS,
    status: "active",
    retiredAt: null,
    revokedAt: null,
    reason: null,
    ...change,
  };
  return { pair, keyId, key };
}

export const alice = operator(1);

export function release(
  version: number,
  programs: readonly JsonObject[],
  change: Partial<ReleaseSource> = {},
  signers = [alice],
): BuiltRelease {
  return buildRelease(
    {
      fleet: "farm",
      audience: "*",
      releaseId: `r${version}`,
      version,
      policy: policyFor(version, programs),
      programs,
      issuedAt: NOW - 1000,
      expiresAt: NOW + 30 * DAY_MS,
      ...change,
    },
    signers,
  );
}

/** A list of sources with one rule. */
export const sourceList = (version: number, change: JsonObject = {}) => ({
  schema: "imu.sources/1",
  version,
  issuedAt: NOW - DAY_MS,
  expiresAt: NOW + DAY_MS,
  unknownTrust: 0.5,
  sources: [{ prefix: "spi://0.0", id: "adc", trust: 0.9 }],
  ...change,
});

/** A store that loses power at a batch: it throws from there on. `late`: the batch itself has still been written. */
export class CuttableStore implements Store {
  readonly #inner: Store;
  readonly #cutAt: number;
  readonly #late: boolean;
  batches = 0;
  isDead = false;

  constructor(inner: Store, cutAt = Number.POSITIVE_INFINITY, late = false) {
    this.#inner = inner;
    this.#cutAt = cutAt;
    this.#late = late;
  }

  #alive(): void {
    if (this.isDead) throw new CodedError("store_unavailable", "No power.", { status: 503 });
  }

  async get(sub: string, key: string) {
    this.#alive();
    return this.#inner.get(sub, key);
  }

  async getMany(sub: string, keys: readonly string[]) {
    this.#alive();
    return this.#inner.getMany(sub, keys);
  }

  async batch(ops: readonly StoreOp[], options: { readonly sync: boolean }) {
    this.#alive();
    this.batches++;
    if (this.batches >= this.#cutAt) {
      this.isDead = true;
      if (this.#late) await this.#inner.batch(ops, options);
      this.#alive();
    }
    await this.#inner.batch(ops, options);
  }

  async *range(sub: string, range?: StoreRange) {
    this.#alive();
    yield* this.#inner.range(sub, range);
  }

  async [Symbol.asyncDispose]() {
    this.isDead = true;
  }
}

export const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};

export const factoryPrograms = [countdown(500)];
export const factoryBytes = bundleBytes({
  releaseId: "factory",
  version: 1,
  policy: policyFor(1, factoryPrograms),
  programs: factoryPrograms,
  selfTest: [],
  issuedAt: NOW - DAY_MS,
  expiresAt: NOW + 365 * DAY_MS,
  notes: "",
});

export interface DeviceOptions {
  readonly disk?: MemoryStore;
  readonly store?: CuttableStore;
  readonly clock?: ManualClock;
  readonly runs?: RecordedRun[];
  readonly documents?: Map<string, JsonObject>;
  readonly kernelBootId?: string;
  readonly keys?: readonly KeyRecord[];
  readonly config?: OtaOptions["config"];
  /** What a dry run comes to; default: an ordinary one. */
  readonly dryRun?: (program: string, release: LoadedRelease) => DryRunResult;
  readonly selfTestFails?: (release: LoadedRelease) => boolean;
  readonly echoes?: (release: LoadedRelease) => number;
  /** Wall time of the live runs of a release, ms. */
  readonly wallMs?: (release: LoadedRelease) => number;
  readonly source?: () => BundleSource;
}

/** One life of a device's daemon around the update service. */
export class Device {
  readonly options: DeviceOptions;
  readonly disk: MemoryStore;
  readonly store: CuttableStore;
  readonly clock: ManualClock;
  readonly runs: RecordedRun[];
  readonly documents: Map<string, JsonObject>;
  readonly events: LedgerEvent[] = [];
  readonly activated: string[] = [];
  readonly service: OtaService;
  running: LoadedRelease | null = null;
  safeMode: string | null = null;
  #seq = 0;

  constructor(options: DeviceOptions = {}) {
    this.options = options;
    this.disk = options.disk ?? new MemoryStore();
    this.store = options.store ?? new CuttableStore(this.disk);
    this.clock = options.clock ?? new ManualClock({ wallMs: NOW });
    this.runs = options.runs ?? [];
    this.documents = options.documents ?? new Map();
    this.service = new OtaService(this.#parts());
  }

  #parts(): OtaOptions {
    const keys = new Map((this.options.keys ?? [alice.key]).map((key) => [key.keyId, key]));
    return {
      store: this.store,
      committer: {
        commit: async ({ events, ops }) => {
          for (const event of events) eventText(event, false);
          await this.store.batch(ops, { sync: true });
          this.events.push(...events);
          return [];
        },
      },
      clock: this.clock,
      entropy: new SeededEntropy("ota", `device-${this.runs.length}`),
      log: silent,
      keys: () => keys,
      facts: {
        fleet: "farm",
        device: "d1",
        groups: ["barn"],
        kernelBootId: this.options.kernelBootId ?? "kernel-1",
        compile: { runtimeVersion: "1.0.0" },
      },
      factory: factoryBytes,
      viewOf: () => ({ view: { resolve: () => null } }),
      history: {
        latest: (limit) => this.#latest(limit),
        document: async (hash) => {
          const document = this.documents.get(hash);
          if (!document) throw new CodedError("not_found", "no such program", { status: 404 });
          return document;
        },
      },
      config: { holdMs: 3000, minRuns: 5, maxRuns: 20, guardMs: 5000, ...this.options.config },
    };
  }

  async *#latest(limit: number): AsyncIterable<RecordedRun> {
    yield* [...this.runs].reverse().slice(0, limit);
  }

  /** Boots and starts. @returns the hash that was loaded. */
  async boot(): Promise<string | null> {
    const { release: loaded } = await this.service.boot();
    this.running = loaded;
    const current = (): LoadedRelease => {
      if (!this.running) throw new Error("nothing runs");
      return this.running;
    };
    const source = this.options.source?.();
    await this.service.start({
      ...(source ? { source } : {}),
      host: {
        activate: async (next) => {
          this.running = next;
          this.activated.push(next.hash);
        },
        safeMode: async (reason) => {
          this.running = null;
          this.safeMode = reason;
        },
      },
      probe: {
        echo: async ({ nonce, count }) => {
          const sentAtMs = this.clock.monoMs();
          const back = Math.min(count, this.options.echoes?.(current()) ?? count);
          const received = Array.from({ length: back }, (_, seq) => ({ seq, nonce, atMs: sentAtMs }));
          return { mode: "bus", sentAtMs, received };
        },
        dryRun: async (program) =>
          this.options.dryRun?.(program, current()) ?? { ok: true, ended: "halted", status: 200, wallMs: 5 },
      },
      selfTest: [
        {
          name: "store",
          check: async () =>
            this.options.selfTestFails?.(current()) ? { code: "read_back", details: {} } : null,
        },
      ],
    });
    return loaded?.hash ?? null;
  }

  /** Executes every program of the release in force once, for the record. */
  live(): void {
    if (!this.running) return;
    for (const program of this.running.programs.values()) {
      const document: ProgramDocument = program.document;
      const limits = effectiveLimits({
        tier: "medium",
        policy: this.running.policy.limits,
        document: document.limits,
      });
      const machine = createMachine(program, {
        payload: {},
        trigger: { kind: "interval" },
        limits,
        inputs: { elapsedMs: () => 0 },
      });
      machine.runSlice(limits.cpuSteps + 1);
      const { result } = machine;
      if (!result) throw new Error("the program did not end");
      const ok = result.ended === "halted";
      this.documents.set(program.programHash, JSON.parse(JSON.stringify(document)));
      this.runs.push({
        v: 1,
        runId: `run-${this.runs.length}-${this.#seq++}`,
        program: { name: document.name, version: document.version, programHash: program.programHash },
        subject: `program:${document.name}`,
        tier: "medium",
        policyHash: this.running.policy.policyHash,
        trigger: result.trigger,
        limits,
        startedAt: this.clock.wallMs(),
        wallMs: this.options.wallMs?.(this.running) ?? 5,
        payload: result.payload,
        journal: result.journal,
        outcome: result.outcome,
        release: { ok, status: result.status, reason: result.error?.reason ?? null },
        vmVersion: VM_VERSION,
        inputHash: result.inputHash,
        outputHash: result.outputHash,
        metrics: result.metrics,
        evidence: [],
        safeStates: [],
        state: ok ? "halted" : "failed",
      });
    }
  }

  /** Lets time pass with a run every second until the service has nothing left to do. */
  async settle(maxMs = 600_000): Promise<void> {
    let done = false;
    void this.service.settled().then(() => {
      done = true;
    });
    for (let passed = 0; !done; passed += 500) {
      if (passed > maxMs) throw new Error("the update does not end");
      await this.clock.advance(500);
      if (passed % 1000 === 0) this.live();
    }
  }

  /** Lets time pass until the run under way is in this state. */
  async reach(state: string): Promise<void> {
    for (let i = 0; i < 2000; i++) {
      if ((await this.service.status()).run?.state === state) return;
      await this.clock.advance(100);
      if (i % 10 === 0) this.live();
    }
    throw new Error(`the update does not reach ${state}`);
  }

  /** A device with some history under its factory release. */
  static async ready(options: DeviceOptions = {}, runs = 10): Promise<Device> {
    const device = new Device(options);
    await device.boot();
    for (let i = 0; i < runs; i++) {
      await device.clock.advance(10);
      device.live();
    }
    return device;
  }

  /** What the same disk looks like to the next daemon. */
  next(change: DeviceOptions = {}): Device {
    const { disk, runs, documents, clock } = this;
    return new Device({
      ...this.options,
      disk,
      runs,
      documents,
      clock: new ManualClock({ wallMs: clock.wallMs() }),
      ...change,
      store: change.store ?? new CuttableStore(disk),
    });
  }

  kinds(): readonly string[] {
    return this.events.map(({ kind }) => kind);
  }

  async lastRun() {
    const run = (await this.service.history())[0];
    if (!run) throw new Error("no run has ended");
    return run;
  }

  async active(): Promise<string> {
    return (await this.service.status()).pointer.active;
  }
}
