/** Runs a recorded run again from its record and says whether the same came out (vm.md 11). Touches no device. */
import { canonicalize } from "../core/canonical-json.ts";
import type { Json, JsonObject } from "../core/json.ts";
import { schemaCheck } from "../runs/index.ts";
import { type CapabilityView, inputHash, type ReplayResult, replay, traceOf } from "../vm/index.ts";
import type { ExportedRun } from "./state-export.ts";
import { plainJson } from "./state-params.ts";

export interface ReplayReport {
  readonly runId: string;
  readonly program: string;
  readonly verdict: "equal" | "divergence" | "cannot_replay";
  /** Null when equal, else the code of vm.md 11 or `trace_mismatch`. */
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

/** Deterministic: the same run gives the same report on every machine with this version of the machine. */
export function replayRun(run: ExportedRun, view: CapabilityView): ReplayReport {
  const { record, program } = run;
  const result = replay(plainJson(program), record, { view, checkSchema: schemaCheck });
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

export const replayJson = (report: ReplayReport): JsonObject => ({ ...report });
