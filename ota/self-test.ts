/** Self-test and probe of the release that has just been loaded (rollout.md 9). All is tried, every failure is named. */
import { toHex } from "../firmware/core/bytes.ts";
import { codeOf } from "../firmware/core/errors.ts";
import type { JsonObject } from "../firmware/core/json.ts";
import { PROBE_LIMITS } from "../firmware/core/limits.ts";
import { percentile } from "../firmware/core/percentile.ts";
import type { KpiSample } from "../firmware/phi/index.ts";
import type { OtaContext } from "./context.ts";
import { type Gate, type GateReport, runGates } from "./gates/runner.ts";
import type { DryRunResult, LoadedRelease } from "./ports.ts";
import type { SelfTestEntry } from "./release/bundle.ts";
import { judgeProbe, type ProbeLimits } from "./rules/probe.ts";

interface Violation {
  readonly code: string;
  readonly details: JsonObject;
}

async function runChecks(context: OtaContext, signal: AbortSignal): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  for (const { name, check } of context.runtime.selfTest) {
    try {
      const problem = await check(signal);
      if (problem) found.push({ code: name, details: { ...problem.details, code: problem.code } });
    } catch (error) {
      signal.throwIfAborted();
      found.push({ code: name, details: { code: codeOf(error) } });
    }
  }
  return found;
}

interface TimedDryRun {
  readonly program: string;
  readonly result: DryRunResult;
  readonly wallMs: number;
}

async function dryRun(
  context: OtaContext,
  program: string,
  payload: JsonObject | undefined,
  signal: AbortSignal,
): Promise<TimedDryRun> {
  const { clock } = context.options;
  const begin = clock.monoMs();
  try {
    const result = await context.runtime.probe.dryRun(program, payload, signal);
    return { program, result, wallMs: result.wallMs ?? clock.monoMs() - begin };
  } catch (error) {
    signal.throwIfAborted();
    return { program, result: { ok: false, code: codeOf(error) }, wallMs: clock.monoMs() - begin };
  }
}

/** What a program is tried with: its first self-test's payload. One that needs a payload and has none is left out. */
function trials(
  release: LoadedRelease,
): readonly { readonly program: string; readonly payload?: JsonObject }[] {
  return [...release.programs].flatMap(([program, { document }]) => {
    const entry = release.bundle.selfTest.find((test) => test.program === program);
    if (entry) return [{ program, payload: entry.payload }];
    return document.payload === undefined ? [{ program }] : [];
  });
}

async function runEntry(
  context: OtaContext,
  entry: SelfTestEntry,
  signal: AbortSignal,
): Promise<readonly Violation[]> {
  const { program, payload, expect } = entry;
  const { result } = await dryRun(context, program, payload, signal);
  const { ended = null, status = null } = result;
  const isAsExpected = ended === expect.ended && status === expect.status;
  if (isAsExpected) return [];
  const got: JsonObject = { ended, status, code: result.code ?? null };
  return [{ code: "self_test", details: { program, expected: { ...expect }, got } }];
}

async function findings(
  context: OtaContext,
  release: LoadedRelease,
  signal: AbortSignal,
): Promise<readonly Violation[]> {
  const found = [...(await runChecks(context, signal))];
  for (const entry of release.bundle.selfTest) found.push(...(await runEntry(context, entry, signal)));
  const tested = new Set(release.bundle.selfTest.map(({ program }) => program));
  for (const { program, payload } of trials(release)) {
    if (tested.has(program)) continue;
    const { result } = await dryRun(context, program, payload, signal);
    if (!result.ok) {
      const details = { program, dryRun: result.code ?? result.ended ?? "failed", ...result.details };
      found.push({ code: "self_test", details });
    }
  }
  return found;
}

const report = (
  context: OtaContext,
  release: LoadedRelease,
  gate: Gate,
  signal: AbortSignal,
): Promise<GateReport> =>
  runGates([{ gates: [gate] }], {
    at: context.options.clock.wallMs(),
    input: { release: release.hash },
    signal,
  });

/** The daemon's own checks, the bundle's self-tests and one dry run of every other program. */
export function selfTest(
  context: OtaContext,
  release: LoadedRelease,
  signal: AbortSignal,
): Promise<GateReport> {
  const check = async () => ({ violations: await findings(context, release, signal) });
  return report(context, release, { name: "self_test", class: "hard", check }, signal);
}

const NONCE_BYTES = 16;

/** Echoes over the broker, or its local stand-in, and a dry run of every program. */
export function probe(
  context: OtaContext,
  release: LoadedRelease,
  limits: ProbeLimits,
  signal: AbortSignal,
): Promise<GateReport> {
  const check = async () => {
    const nonce = toHex(context.options.entropy.bytes(NONCE_BYTES));
    const { count, windowMs } = limits;
    const request = { nonce, count, everyMs: PROBE_LIMITS.everyMs, windowMs };
    const { mode, sentAtMs, received } = await context.runtime.probe.echo(request, signal);
    const runs: TimedDryRun[] = [];
    for (const { program, payload } of trials(release)) {
      runs.push(await dryRun(context, program, payload, signal));
    }
    const failures = runs.filter(({ result }) => !result.ok).length;
    const errorRate = runs.length === 0 ? null : failures / runs.length;
    const timed = runs.map(({ wallMs }) => wallMs).sort((a, b) => a - b);
    const p95Ms = percentile(timed, 0.95);
    const violations = judgeProbe({ nonce, sentAtMs, received, errorRate, p95Ms }, limits);
    return { violations, facts: { mode, dryRuns: runs.length, errorRate, p95Ms } };
  };
  return report(context, release, { name: "probe", class: "hard", check }, signal);
}

/** Dry runs that stand in for real ones on a device that has few. */
export async function fillSamples(
  context: OtaContext,
  release: LoadedRelease,
  signal: AbortSignal,
): Promise<readonly KpiSample[]> {
  const samples: KpiSample[] = [];
  for (const { program, payload } of trials(release)) {
    const { result, wallMs } = await dryRun(context, program, payload, signal);
    const outcome = result.ok ? "ok" : result.ended === "refused" ? "refused" : "error";
    samples.push({ at: context.options.clock.wallMs(), outcome, latencyMs: wallMs });
  }
  return samples;
}
