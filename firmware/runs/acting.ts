/** What a run makes of its calls: which may act on the world, what a refusal, an intent or a bad value leads to. */
import type { CallFailure, CallResult, IntentLeft, RunContext } from "../capabilities/index.ts";
import { isJsonObject } from "../core/json.ts";
import type { RunOfficials } from "../evidence/index.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import type { CallAnswer, CallRequest } from "../vm/index.ts";
import { recordedSource } from "./evidence-sink.ts";

/** Of every refusal by the guard but `claim_invalid` (evidence.md, conventions). */
const GUARD_STATUS = 412;

/** A transfer reads or writes, depending on its arguments: whatever names an output may act. */
export const mayAct = ({ class: kind, args }: CallRequest): boolean =>
  kind === "effect" || (isJsonObject(args) && typeof args.output === "string");

/**
 * Of effects whose intent was recorded before they were made (ledger.md 2), and of the statements a run met.
 * @param left intents whose calls have not ended: the run was cut and waits no longer.
 */
export function effectEvents(
  { intents, runId, subject: actor }: RunContext,
  left: readonly IntentLeft[],
  official: Pick<RunOfficials, "events"> | null,
): readonly LedgerEvent[] {
  const statements = official?.events ?? [];
  return [
    ...intents.map((effect): LedgerEvent => {
      return {
        kind: "effect_done",
        actor,
        severity: effect.ok ? "info" : "warn",
        data: { ...effect },
        runId,
      };
    }),
    ...left.map(({ effectId, hasActed }): LedgerEvent => {
      const severity = "warn";
      if (hasActed) return { kind: "effect_outcome_unknown", actor, severity, data: { effectId }, runId };
      return {
        kind: "effect_done",
        actor,
        severity,
        data: { effectId, ok: false, reason: "io_aborted" },
        runId,
      };
    }),
    ...statements.map(({ kind, data }): LedgerEvent => {
      return { kind, actor, severity: kind === "official_verified" ? "info" : "warn", data, runId };
    }),
  ];
}

/** A refusal by the guard of an output whose policy says `onRefusal: abort` ends the run: no program catches it. */
export function errorOf(
  { code, reason, status, details }: CallFailure,
  { args }: CallRequest,
  policy: CompiledPolicy,
): Extract<CallAnswer, { readonly ok: false }>["error"] {
  const plain = isJsonObject(details) ? details : {};
  const wanted = isJsonObject(args) ? args.output : undefined;
  const output = policy.outputs.find(({ name }) => name === wanted);
  const byGuard = status === GUARD_STATUS || code === "claim_invalid";
  if (!byGuard || output?.onRefusal !== "abort") return { code, reason, status, details: plain };
  return { code: "run_cut", reason, status: 409, details: { ...plain, output: output.name, code } };
}

/** The source of a value outside the range that its driver declares: a violation of it (evidence.md 6). */
export function doubtedSource(
  result: CallResult,
  { args }: CallRequest,
  { bindings }: CompiledPolicy,
  simulated: boolean,
): string | null {
  if (result.ok || result.code !== "reading_out_of_range") return null;
  const input = isJsonObject(args) ? args.input : undefined;
  const binding = bindings.find(({ name }) => name === input);
  return binding === undefined ? null : recordedSource(binding.uri, simulated);
}
