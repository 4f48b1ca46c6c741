/** Runs a recorded run again from its record and says whether the same came out (vm.md 11). Touches no device. */
import { canonicalize } from "../core/canonical-json.ts";
import { messageOf } from "../core/errors.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { schemaCheck } from "../runs/index.ts";
import {
  type CapabilityView,
  compilerState,
  inputHash,
  type MachineResult,
  type ReplayResult,
  replay,
  traceOf,
} from "../vm/index.ts";
import type { ExportedRun } from "./state-export.ts";
import { plainJson } from "./state-params.ts";

/** Who runs it again; `both` also compares the two. */
export type ReplayChoice = "interpreter" | "compiled" | "both";
export const REPLAY_CHOICES: readonly ReplayChoice[] = ["interpreter", "compiled", "both"];

type Replayer = Exclude<ReplayChoice, "both">;

/** What one executor made of the record. */
export interface ExecutorReport {
  readonly executor: Replayer;
  /** `unavailable`: this process may not turn text into code. */
  readonly verdict: "equal" | "divergence" | "cannot_replay" | "unavailable";
  readonly code: string | null;
  /** Null if the run did not get to its end. */
  readonly outputHash: string | null;
  readonly steps: number | null;
  readonly memBytes: number | null;
  /** First journal entry that does not fit, null if only the result differs. */
  readonly entry: number | null;
}

export interface ReplayReport {
  readonly runId: string;
  readonly program: string;
  readonly verdict: "equal" | "divergence" | "cannot_replay";
  /**
   * Null when equal, else the code of vm.md 11, `trace_mismatch`, `executors_differ` (a fault of the machine) or
   * `code_generation_disabled`.
   */
  readonly code: string | null;
  readonly recorded: { readonly inputHash: string; readonly outputHash: string };
  /** What this machine computed; `outputHash` null if the run did not get to its end. */
  readonly replayed: { readonly inputHash: string; readonly outputHash: string | null };
  /** First journal entry that does not fit, null if only the result differs. */
  readonly entry: number | null;
  readonly expected: Json;
  readonly got: Json;
  /** Whether the sealed evidence `vm_trace` of the run says the same as the replay. */
  readonly trace: "matches" | "differs" | "absent";
  readonly executors: readonly ExecutorReport[];
  /** Members in which the two executors do not agree. */
  readonly differences: readonly string[];
}

type OwnReport = Omit<ReplayReport, "executors" | "differences">;

/** One replay with everything that the other one must equal. */
interface Replayed {
  readonly executor: Replayer;
  readonly report: OwnReport;
  readonly compared: JsonObject;
  readonly result: MachineResult | null;
}

const hashIn = (value: Json): string | null =>
  typeof value === "object" && value !== null && "outputHash" in value ? String(value.outputHash) : null;

/** The trace that the run recorded under seal: the record alone could have been rewritten as a whole. */
function sealedTrace(run: ExportedRun): Json | null {
  const found = run.evidence.filter(({ body }) => body.kind === "vm_trace").at(-1);
  return found?.body.payload ?? null;
}

function judged(result: ReplayResult, run: ExportedRun): Pick<ReplayReport, "verdict" | "code" | "trace"> {
  if (!result.ok) {
    const isDivergence = result.code === "replay_divergence";
    return { verdict: isDivergence ? "divergence" : "cannot_replay", code: result.code, trace: "absent" };
  }
  const sealed = sealedTrace(run);
  if (sealed === null) return { verdict: "equal", code: null, trace: "absent" };
  const { payload } = traceOf(result.result);
  return canonicalize(sealed) === canonicalize(payload)
    ? { verdict: "equal", code: null, trace: "matches" }
    : { verdict: "divergence", code: "trace_mismatch", trace: "differs" };
}

function reportOf(run: ExportedRun, result: ReplayResult): OwnReport {
  const { record } = run;
  const sealed = sealedTrace(run);
  const { verdict, code, trace } = judged(result, run);
  const failed = result.ok ? null : result;
  const differs = code === "trace_mismatch" && result.ok;
  return {
    runId: record.runId,
    program: record.program.name,
    verdict,
    code,
    recorded: { inputHash: record.inputHash, outputHash: record.outputHash },
    replayed: {
      inputHash: inputHash(record),
      outputHash: result.ok ? result.outputHash : failed?.entry === null ? hashIn(failed.got) : null,
    },
    entry: failed?.entry ?? null,
    expected: differs ? sealed : (failed?.expected ?? null),
    got: differs ? plainJson(traceOf(result.result).payload) : (failed?.got ?? null),
    trace,
  };
}

/** A fault of one executor must not hide what the other says: it is a divergence of that one. */
function faultReport({ record }: ExportedRun, fault: string): OwnReport {
  const { inputHash: input, outputHash } = record;
  return {
    runId: record.runId,
    program: record.program.name,
    verdict: "divergence",
    code: "vm_internal",
    recorded: { inputHash: input, outputHash },
    replayed: { inputHash: input, outputHash: null },
    entry: null,
    expected: { outputHash },
    got: { fault },
    trace: "absent",
  };
}

/** Everything that must not depend on who executes; messages are left out. */
function comparable({ code, entry, got }: OwnReport, result: MachineResult | null): JsonObject {
  if (result === null) return { code, entry, got };
  const { ended, status, outcome, journal, metrics, error } = result;
  return {
    code,
    entry,
    ended,
    status,
    outcome: plainJson(outcome),
    journal: plainJson(journal),
    metrics: plainJson(metrics),
    error: error === null ? null : plainJson(error),
    inputHash: result.inputHash,
    outputHash: result.outputHash,
  };
}

function replayWith(executor: Replayer, run: ExportedRun, view: CapabilityView): Replayed {
  let result: ReplayResult;
  try {
    result = replay(plainJson(run.program), run.record, { view, checkSchema: schemaCheck, executor });
  } catch (error) {
    const report = faultReport(run, messageOf(error));
    return { executor, report, compared: comparable(report, null), result: null };
  }
  const report = reportOf(run, result);
  const end = result.ok ? result.result : null;
  return { executor, report, compared: comparable(report, end), result: end };
}

const rowOf = ({ executor, report, result }: Replayed): ExecutorReport => ({
  executor,
  verdict: report.verdict,
  code: report.code,
  outputHash: report.replayed.outputHash,
  steps: result?.metrics.cpuSteps ?? null,
  memBytes: result?.metrics.memBytes ?? null,
  entry: report.entry,
});

const UNAVAILABLE: ExecutorReport = {
  executor: "compiled",
  verdict: "unavailable",
  code: "code_generation_disabled",
  outputHash: null,
  steps: null,
  memBytes: null,
  entry: null,
};

/** Names of the members that are not the same in both. */
export function differencesOf(one: JsonObject, other: JsonObject): readonly string[] {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  return [...names]
    .filter((name) => canonicalize(one[name] ?? null) !== canonicalize(other[name] ?? null))
    .sort();
}

/**
 * Deterministic: the same run gives the same report on every machine with this version of the machine. With `both` the
 * interpreter's report stands first; if the compiler does not agree with it, the verdict is a divergence.
 */
export function replayRun(
  run: ExportedRun,
  view: CapabilityView,
  choice: ReplayChoice = "both",
  compiler: ReturnType<typeof compilerState> = compilerState(),
): ReplayReport {
  if (compiler === "unavailable" && choice !== "interpreter") {
    const { report, ...rest } = replayWith("interpreter", run, view);
    if (choice === "both") {
      return { ...report, executors: [rowOf({ report, ...rest }), UNAVAILABLE], differences: [] };
    }
    const code = UNAVAILABLE.code;
    const replayed = { ...report.replayed, outputHash: null };
    const refused = { verdict: "cannot_replay", code, replayed, trace: "absent" } as const;
    return { ...report, ...refused, executors: [UNAVAILABLE], differences: [] };
  }
  const [first, second] = (choice === "both" ? (["interpreter", "compiled"] as const) : [choice]).map(
    (executor) => replayWith(executor, run, view),
  );
  if (first === undefined) throw new Error("A replay needs an executor.");
  if (second === undefined) return { ...first.report, executors: [rowOf(first)], differences: [] };
  const differences = differencesOf(first.compared, second.compared);
  const executors = [rowOf(first), rowOf(second)];
  if (differences.length === 0) return { ...first.report, executors, differences };
  return { ...first.report, verdict: "divergence", code: "executors_differ", executors, differences };
}

export const replayJson = (report: ReplayReport): JsonObject => ({
  ...report,
  executors: report.executors.map((row) => ({ ...row })),
  differences: [...report.differences],
});
