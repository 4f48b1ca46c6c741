/**
 * The program that drives one output to its safe state (capabilities.md 9): small limits, no tasks, this output only, no
 * guard and no budget. It needs neither store nor settlement, because safety may be wanted when both are gone.
 */
import { type CapabilityGate, createRunContext } from "../capabilities/index.ts";
import { CodedError } from "../core/errors.ts";
import { isJsonObject } from "../core/json.ts";
import { RunEvidence, type Sealer } from "../evidence/index.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import { createMachine, type Executor, effectiveLimits, type RunScheduler } from "../vm/index.ts";
import { schemaCheck } from "./capability-view.ts";
import { type ReleaseSet, subjectOf } from "./program-set.ts";
import { newRunId } from "./run-id.ts";

const SAFE_LIMITS = { cpuSteps: 10_000, ioCalls: 32, wallMs: 1000, tasks: 0 } as const;
const MAX_EVIDENCE = 160;

export interface SafeProgramParts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly deviceId: string;
  readonly sealer: Sealer;
  readonly gate: CapabilityGate;
  readonly scheduler: RunScheduler;
  readonly executor: Executor;
}

/** @throws CodedError `unknown_program` (404) if the release lacks it, else the error it ended with. */
export async function runSafeProgram(
  parts: SafeProgramParts,
  set: ReleaseSet,
  name: string,
  output: string,
  signal: AbortSignal,
): Promise<void> {
  const program = set.programs.get(name);
  if (!program)
    throw new CodedError("unknown_program", `The safe program ${name} is not installed.`, { status: 404 });
  const { clock, entropy, deviceId, sealer, gate, scheduler, executor } = parts;
  const { policy, sources } = set;
  const runId = newRunId(clock, entropy);
  const subject = subjectOf(name);
  const limits = effectiveLimits({ tier: "medium", policy: SAFE_LIMITS, document: program.document.limits });
  const ctx = createRunContext({
    runId,
    subject,
    tier: "medium",
    program: { name, outputs: [output], capabilities: program.verified.capabilities },
    safeProgram: true,
    policy,
    limits,
    evidence: new RunEvidence({
      runId,
      subject,
      deviceId,
      policyHash: policy.policyHash,
      clock,
      sources,
      sealer,
      maxPerRun: MAX_EVIDENCE,
    }),
    countCall: () => true,
  });
  const trigger = { kind: "command", name: "safe_state" };
  const answer = await scheduler.run(
    (inputs) =>
      createMachine(program.verified, {
        payload: { output },
        trigger,
        limits,
        inputs,
        checkSchema: schemaCheck,
        executor,
      }),
    {
      call: async ({ capability, args }, stop) => {
        const result = await gate.call(ctx, capability, args, stop);
        if (result.ok) return { ok: true, result: result.result, evidence: result.evidence };
        const { code, reason, status, details } = result;
        return {
          ok: false,
          error: { code, reason, status, details: isJsonObject(details) ? details : {} },
          evidence: [],
        };
      },
    },
    signal,
  );
  const ended = answer.ok ? answer.result.ended : answer.reason;
  if (ended === "halted" || ended === "responded") return;
  const error = answer.ok ? answer.result.error : null;
  throw new CodedError(
    error?.code ?? "vm_error",
    `The safe program ${name} ended with ${error?.reason ?? ended}.`,
    { status: 500 },
  );
}
