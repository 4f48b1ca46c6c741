/** Claims of a program in normal form (vm.md 10). There is no field by which a program could state trust, time or source. */
import { canonicalSize } from "../../core/canonical-size.ts";
import { sha256Hex } from "../../core/hash.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import type { Run, Task } from "../machine/run.ts";
import { quotaError, vmError } from "../machine/trap.ts";
import type { ProgramClaim, ProgramDocument } from "../types.ts";
import { toJson } from "../values/json-values.ts";
import { up8, type Value } from "../values/values.ts";
import { evaluate } from "./evaluate.ts";
import type { StepMaker } from "./step-builder.ts";

function evidenceIds(value: Value): readonly string[] {
  if (value === null) return [];
  const list = Array.isArray(value) ? value : [value];
  return list.map((id) => {
    if (typeof id !== "string") throw vmError("type_mismatch");
    return id;
  });
}

const textOrNull = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);

/** A `claims` entry of the document fills in the schema, adds sources, and the larger minTrust holds. */
function tightened(claim: ProgramClaim, document: ProgramDocument): ProgramClaim {
  const entry =
    document.claims && Object.hasOwn(document.claims, claim.id) ? document.claims[claim.id] : undefined;
  if (!entry) return claim;
  const trusts = [claim.minTrust, entry.minTrust].filter((n) => typeof n === "number");
  return {
    ...claim,
    schema: claim.schema ?? entry.schema ?? null,
    sources: [...new Set([...claim.sources, ...(entry.sources ?? [])])],
    minTrust: trusts.length > 0 ? Math.max(...trusts) : null,
  };
}

function normalForm(instr: JsonObject, value: Json, evidence: readonly string[]): ProgramClaim {
  const isEvidence = instr.op === "EVIDENCE";
  const text = String(isEvidence ? instr.claim : (instr.text ?? instr.about));
  const id = isEvidence ? text : (textOrNull(instr.id) ?? sha256Hex(text).slice(0, 12));
  const holds = isEvidence && !Object.hasOwn(instr, "value");
  return {
    id,
    type: textOrNull(instr.type) ?? "generic",
    text,
    schema: instr.schema ?? (holds ? { type: "boolean" } : null),
    value: holds ? true : value,
    evidence,
    sources: (instr.sources ?? []) as readonly string[],
    from: instr.from ?? null,
    predicate: instr.predicate ?? null,
    group: textOrNull(instr.group),
    quantile: textOrNull(instr.quantile),
    minTrust: typeof instr.minTrust === "number" ? instr.minTrust : null,
  };
}

/** Charges and stores; the same id replaces the earlier claim in place. `counted` is false for claims of a joined task. */
export function putClaim(run: Run, task: Task, claim: ProgramClaim, counted: boolean): void {
  const size = canonicalSize(claim);
  if (counted) run.work(size);
  task.claims ??= new Map();
  if (counted && !task.claims.has(claim.id)) {
    const limit = run.limits.claims;
    if (run.claims >= limit) throw quotaError("claims_exceeded", limit, run.claims, 1);
    run.allocate(64 + up8(size));
    run.claims++;
  } else run.allocate(64 + up8(size));
  task.claims.set(claim.id, claim);
}

export const claimMaker: StepMaker = ({ instr, operand }) => {
  const valueOperand = operand("value");
  const evidenceOperand = operand("evidence");
  return (run, task) => {
    const value = valueOperand === null ? null : evaluate(run, task, valueOperand);
    const evidence = evidenceOperand === null ? null : evaluate(run, task, evidenceOperand);
    const claim = normalForm(instr, toJson(value), evidenceIds(evidence));
    putClaim(run, task, tightened(claim, run.document), true);
  };
};
