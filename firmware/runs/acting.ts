/** Calls of a run that may act on the world: which they are, and what a refusal or an intent of one leads to. */
import type { CallFailure, RunContext } from "../capabilities/index.ts";
import { isJsonObject } from "../core/json.ts";
import type { LedgerEvent } from "../ledger/types.ts";
import type { CompiledPolicy } from "../policy/types.ts";
import type { CallAnswer, CallRequest } from "../vm/index.ts";

/** Of every refusal by the guard but `claim_invalid` (evidence.md, conventions). */
const GUARD_STATUS = 412;

/** A transfer reads or writes, depending on its arguments: whatever names an output may act. */
export const mayAct = ({ class: kind, args }: CallRequest): boolean =>
  kind === "effect" || (isJsonObject(args) && typeof args.output === "string");

/** What became of the effects whose intent was recorded before they were made (ledger.md 2). */
export const effectEvents = ({ intents, runId, subject }: RunContext): readonly LedgerEvent[] =>
  intents.map((effect) => ({
    kind: "effect_done",
    actor: subject,
    severity: effect.ok ? "info" : "warn",
    data: { ...effect },
    runId,
  }));

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
