/** The hashes of a run and the trace that says: this output follows from these inputs (vm.md 10, 11). */
import { canonicalize } from "../../core/canonical-json.ts";
import { hashJson, sha256Hex } from "../../core/hash.ts";
import type { Json } from "../../core/json.ts";
import { LIMIT_NAMES } from "../limits.ts";
import { type JournalEntry, type Limits, type Outcome, VM_VERSION } from "../types.ts";

export interface RunInputs {
  readonly journal: readonly JournalEntry[];
  readonly limits: Limits;
  readonly payload: Json;
  readonly trigger: Json;
}

/** @throws CodedError `not_canonical` if the payload or trigger has no canonical form. */
export const inputHash = ({ journal, limits, payload, trigger }: RunInputs): string =>
  sha256Hex(
    `{"journal":${canonicalize(journal)},"limits":${limitsText(limits)},"payload":${canonicalize(payload)},"trigger":${canonicalize(trigger)}}`,
  );

const SORTED_LIMITS = [...LIMIT_NAMES].sort();

/** The canonical form; of whole limits, which every run has, without looking at each key anew. */
function limitsText(limits: Limits): string {
  if (Object.keys(limits).length !== SORTED_LIMITS.length) return canonicalize(limits);
  let text = "";
  for (const name of SORTED_LIMITS) {
    const value = limits[name];
    if (!Number.isSafeInteger(value)) return canonicalize(limits);
    text += `${text === "" ? "{" : ","}"${name}":${value}`;
  }
  return `${text}}`;
}

/** Of the outcome before the guard of RESPOND. */
export const outputHash = (outcome: Outcome): string => hashJson(outcome);

/** Payload of the evidence kind `vm_trace`. */
export interface TracePayload {
  readonly programHash: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly steps: number;
  readonly vmVersion: string;
}

export interface Trace {
  readonly payload: TracePayload;
  /** H(JCS(payload)). */
  readonly hash: string;
  /** Id of the claim the daemon adds for a pure computation that policy allows. */
  readonly computeClaimId: string;
}

export function traceOf(run: {
  readonly programHash: string;
  readonly inputHash: string;
  readonly outputHash: string;
  readonly metrics: { readonly cpuSteps: number };
}): Trace {
  const payload: TracePayload = {
    programHash: run.programHash,
    inputHash: run.inputHash,
    outputHash: run.outputHash,
    steps: run.metrics.cpuSteps,
    vmVersion: VM_VERSION,
  };
  const hash = hashJson(payload);
  return { payload, hash, computeClaimId: `compute:${hash.slice(0, 16)}` };
}
