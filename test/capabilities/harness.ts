/** A gate over test doubles whose answers a test chooses, step by step. */

import type { Capability, DriverOutcome, Invocation, RunContext } from "../../firmware/capabilities/index.ts";
import {
  Admission,
  AdmissionGate,
  CapabilityGate,
  CapabilityRegistry,
  createRunContext,
  type EvidenceDraft,
  ExclusivePaths,
  type GateParts,
  Outputs,
  RateLimiter,
} from "../../firmware/capabilities/index.ts";
import { CodedError, refusal } from "../../firmware/core/errors.ts";
import type { Json } from "../../firmware/core/json.ts";
import type { Evidence, Requirement } from "../../firmware/evidence/types.ts";
import type { CompiledOutput, CompiledPolicy } from "../../firmware/policy/types.ts";
import type { GpioLine, Hardware, Level } from "../../firmware/ports/hardware.ts";
import type { Limits } from "../../firmware/vm/types.ts";
import { ManualClock } from "../support/manual-clock.ts";

export const LIMITS: Limits = {
  cpuSteps: 1000,
  memKb: 1024,
  ioCalls: 100,
  wallMs: 5000,
  sleepMs: 100,
  sleepTotalMs: 1000,
  tasks: 1,
  outputBytes: 65_536,
  ioReadBytes: 65_536,
  ioWriteBytes: 65_536,
  netOutBytes: 65_536,
  claims: 10,
  callDepth: 8,
  inputBytes: 1024,
  valueBytes: 4096,
};

const requirement: Requirement = {
  required: true,
  minTrust: 0.7,
  minCount: 1,
  minSources: 1,
  maxAgeMs: null,
  minLevel: 1,
  requiredKinds: [],
  accept: ["observation"],
  minKinds: null,
  requireClaims: false,
  requireGroups: false,
  maxClaims: 10,
  minLevelByType: {},
  freshnessMsByType: {},
  defaultFreshnessMs: 60_000,
  groups: {},
  relations: [],
  points: {
    minDistinctSources: 0,
    minTotalTrust: 0,
    maxPointsPerSource: 5,
    minPointsPerClaim: 0,
    byType: {},
  },
};

export const pump = (over: Partial<CompiledOutput> = {}): CompiledOutput => ({
  name: "pump",
  uri: "gpio://gpiochip0/17",
  safe: 0,
  durability: "group",
  risk: "medium",
  protective: false,
  maxTogglesPerMin: null,
  requires: {},
  requirement,
  ...over,
});

export const policyOf = (outputs: readonly CompiledOutput[] = [pump()]): CompiledPolicy => ({
  policyHash: "0".repeat(64),
  compiledHash: "0".repeat(64),
  id: "test",
  version: 1,
  profile: "dev",
  subjects: {},
  bindings: [
    {
      name: "door",
      uri: "gpio://gpiochip0/4",
      kind: "gpio_read",
      type: "number",
      unit: null,
      min: null,
      max: null,
      required: false,
      maxAgeMs: null,
      consistencyGroup: null,
    },
  ],
  outputs,
  limits: {},
  rules: [],
  noRule: "block",
  lowTrust: "block",
  replyRequirement: requirement,
  compiled: {},
});

/** A GPIO line that remembers its level and may be told to fail or to hang. */
export class TestLine implements GpioLine {
  level: Level = 0;
  readonly written: Level[] = [];
  /** Writes that throw before one succeeds. */
  failures = 0;
  hang = false;

  async read(): Promise<Level> {
    return this.level;
  }

  async write(value: Level): Promise<void> {
    if (this.hang) await new Promise(() => undefined);
    if (this.failures > 0) {
      this.failures--;
      throw new CodedError("io_error", "The line does not answer.", {});
    }
    this.written.push(value);
    this.level = value;
  }

  watch(): Disposable {
    return { [Symbol.dispose]: () => undefined };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.written.push(this.level);
  }
}

export class TestHardware implements Hardware {
  readonly simulated = false;
  readonly lines = new Map<number, TestLine>();
  readonly requested: string[] = [];
  missing: string | null = null;

  line(offset: number): TestLine {
    const line = this.lines.get(offset) ?? new TestLine();
    this.lines.set(offset, line);
    return line;
  }

  async gpio(request: Parameters<Hardware["gpio"]>[0]): Promise<GpioLine> {
    this.requested.push(`${request.direction}:${request.line}`);
    const line = this.line(request.line);
    if (request.direction === "out") line.level = request.initial;
    return line;
  }

  i2c(): Promise<never> {
    return Promise.reject(
      new CodedError("io_error", "There is no I2C bus here.", { details: { touched: false } }),
    );
  }

  spi(): Promise<never> {
    return this.i2c();
  }

  serial(): Promise<never> {
    return this.i2c();
  }

  async probe(resource: string) {
    if (this.missing !== resource) return null;
    return { resource, why: "It is not there.", howTo: "Connect it.", commands: [], requiresConsent: true };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.lines.clear();
  }
}

export interface Harness {
  readonly gate: CapabilityGate;
  readonly clock: ManualClock;
  readonly hardware: TestHardware;
  readonly outputs: Outputs;
  readonly admission: Admission;
  readonly drafts: EvidenceDraft[];
  readonly log: string[];
  readonly alerts: string[];
  readonly asked: string[];
  balanceMilli(): number;
  /** Whether the rate limiter has given out a token to a call. */
  ratesTaken(): boolean;
  context(over?: Partial<RunContext>): RunContext;
}

/** What the doubles are told to do; everything else passes. */
export interface HarnessOptions {
  /** Names of the steps that refuse. */
  readonly failing?: readonly string[];
  readonly class?: "read" | "effect";
  readonly safeValue?: boolean;
  readonly touched?: boolean;
  readonly costMilli?: number;
  readonly output?: Partial<CompiledOutput>;
  readonly perform?: (call: Invocation) => Promise<DriverOutcome>;
  /** The writing of an intent. */
  readonly commitIntent?: () => Promise<void>;
  /** Real capabilities instead of the one double. */
  readonly capabilities?: (parts: {
    hardware: TestHardware;
    outputs: Outputs;
    clock: ManualClock;
  }) => readonly Capability[];
  readonly subjectCap?: number;
  readonly waitMs?: number;
  readonly balanceMilli?: number;
}

export const BALANCE = 1_000_000;
/** Line 5 is wired active low; the board has 30 lines. */
export const CHANNELS = {
  gpio: (_chip: string, line: number) =>
    line < 30 ? { activeLow: line === 5, bias: "none" as const } : null,
  i2c: () => ({ known: true }),
  spi: () => null,
  serial: () => null,
};

/** One capability, `test.act`, whose every stage obeys the options. */
function double(options: HarnessOptions, log: string[]): Capability {
  const fails = (name: string): boolean => options.failing?.includes(name) === true;
  const kind = options.class ?? "effect";
  return {
    contract: {
      format: "imu.capability/1",
      id: "test.act",
      version: "1.0.0",
      title: "Acts",
      aliases: [],
      class: kind,
      params: {
        type: "object",
        additionalProperties: false,
        required: ["value"],
        properties: { value: { type: "integer", minimum: 0, maximum: 1 } },
      },
      positional: ["value"],
      result: { type: "object", additionalProperties: false, required: [], properties: {} },
      topic: "gpio://gpiochip0/17",
      action: kind === "read" ? "read" : "write",
      resources: [],
      evidence: [],
      exclusive: null,
      costMilli: options.costMilli ?? 500,
      rate: fails("rate") ? { rps: 0, burst: 1 } : { rps: 100, burst: 50 },
      timeoutMs: 100,
      maxResultBytes: 64,
      idempotent: false,
      errors: [],
    },
    resolve: (ctx) => ({
      uri: "gpio://gpiochip0/17",
      action: kind === "read" ? "read" : "write",
      class: kind,
      output: kind === "effect" ? (ctx.policy.outputs[0] ?? null) : null,
      bound: !fails("permission"),
      resources: ["gpio:gpiochip0"],
      exclusive: "gpio://gpiochip0/17",
      safeValue: options.safeValue ?? false,
      writeBytes: 1,
      netBytes: 0,
      problem: fails("target") ? refusal("unknown_target", 404) : null,
      undefinedName: null,
    }),
    perform: async (call) => {
      log.push("driver");
      if (options.perform) return options.perform(call);
      if (fails("driver")) {
        throw new CodedError("io_error", "The bus failed.", {
          details: { touched: options.touched ?? true },
        });
      }
      const result: Json = fails("result") ? { surplus: 1 } : {};
      const evidence = fails("evidence") ? [{ kind: "unknowable", source: "local://x", payload: null }] : [];
      return { result, evidence };
    },
  };
}

export function buildHarness(options: HarnessOptions = {}): Harness {
  const fails = (name: string): boolean => options.failing?.includes(name) === true;
  const log: string[] = [];
  const drafts: EvidenceDraft[] = [];
  const alerts: string[] = [];
  const asked: string[] = [];
  let balance = options.balanceMilli ?? BALANCE;
  let tokens = 0;
  const clock = new ManualClock();
  const hardware = new TestHardware();
  if (fails("resource")) hardware.missing = "gpio:gpiochip0";
  const observer: GateParts["observer"] = {
    usage: () => undefined,
    incident: () => undefined,
    alert: (code) => alerts.push(code),
    asked: ({ kind, about }) => asked.push(`${kind}:${about}`),
  };
  const safePrograms = { run: async () => undefined };
  const outputs = new Outputs({ hardware, clock, channels: CHANNELS, safePrograms, observer });
  const limits = fails("admission") ? { queuePerSubject: 0, queueTotal: 0 } : undefined;
  const perSubject = fails("admission") ? 0 : (options.subjectCap ?? 8);
  const admission = new Admission({ global: 32, perSubject, perCapability: {} }, limits);
  const rates = new RateLimiter();
  const capabilities = options.capabilities?.({ hardware, outputs, clock }) ?? [double(options, log)];
  const decide = () =>
    fails("policy")
      ? { decision: "block" as const, reason: "rule_block", ruleId: "r" }
      : { decision: "allow" as const, reason: "rule_allow", ruleId: "r" };
  const parts: GateParts = {
    registry: new CapabilityRegistry(capabilities),
    clock,
    decider: { decide, explain: decide, useGrant: () => [] },
    budget: {
      charge: (_run, _subject, capability, costMilli = 1000) => {
        log.push("charge");
        if (fails("charge") || costMilli > balance) {
          const details = { capability, requiredMilli: costMilli, availableMilli: balance };
          return { ok: false, refusal: refusal("budget_exceeded", 429, details) };
        }
        balance -= costMilli;
        return { ok: true, chargedMilli: costMilli };
      },
      refund: (_run, milli) => {
        log.push("refund");
        balance += milli;
      },
    },
    standing: {
      bootLocked: () => !fails("boot"),
      quarantine: () =>
        fails("quarantine") ? { key: "k", untilMs: 1, cause: "errors", level: "hard" } : null,
      withdrawn: () => [],
    },
    killSwitch: { killed: () => fails("switch") },
    permissions: { records: () => [] },
    probe: hardware,
    admission: new AdmissionGate(admission, clock),
    rates,
    paths: new ExclusivePaths(),
    outputs,
    intents: {
      commit: async () => {
        log.push("intent");
        await options.commitIntent?.();
        if (fails("intent")) throw new CodedError("ledger_unavailable", "The disk is full.", { status: 503 });
      },
    },
    observer,
    settings: { waitMs: options.waitMs ?? 5000, blockedCallsPerRun: 6 },
    simulated: false,
  };
  const context = (over: Partial<RunContext> = {}): RunContext => ({
    ...createRunContext({
      runId: "run-1",
      subject: "program:fan",
      tier: "medium",
      program: {
        name: "fan",
        outputs: ["pump"],
        capabilities: fails("allowlist") ? [] : capabilities.map(({ contract }) => contract.id),
      },
      policy: policyOf([pump(options.output)]),
      limits: LIMITS,
      evidence: {
        list: [] as readonly Evidence[],
        record: (draft) => {
          if (draft.kind === "unknowable") throw new CodedError("evidence_unknown_kind", "No such kind.", {});
          drafts.push(draft);
          return { id: `ev${drafts.length}` };
        },
        witness: (id) =>
          id.startsWith("ev") ? { origin: `local://${id}`, content: true, level: 2 } : undefined,
        tally: () => log.push("tally"),
        guard: () => {
          log.push("guard");
          return fails("guard")
            ? { ok: false, reason: "no_evidence", details: {} }
            : { ok: true, valid: ["e"], trust: 0.9 };
        },
      },
      countCall: () => !fails("quota") && !fails("count"),
    }),
    ...over,
  });
  // The bucket of a failing rate is emptied by a call before the one that is looked at.
  if (fails("rate")) {
    rates.take([{ scope: "capability", key: "c\nprogram:fan\ntest.act", rate: { rps: 0, burst: 1 } }], 0);
  }
  const take = rates.take.bind(rates);
  rates.take = (...args) => {
    const refused = take(...args);
    if (!refused) tokens++;
    return refused;
  };
  return {
    gate: new CapabilityGate(parts),
    clock,
    hardware,
    outputs,
    admission,
    drafts,
    log,
    alerts,
    asked,
    balanceMilli: () => balance,
    ratesTaken: () => tokens > 0,
    context,
  };
}
