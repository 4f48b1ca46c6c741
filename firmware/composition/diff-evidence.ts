/** The evidence of a recorded run as its guard saw it at one recorded moment (evidence.md 8; vm.md 11). */
import { isJsonObject, type Json } from "../core/json.ts";
import { type GuardRequest, guard, guardRecordOf, type Instant, nameEvidence } from "../evidence/index.ts";
import type { Evidence, GuardVerdict } from "../evidence/types.ts";
import type { JudgedEvidence, ReleaseSet } from "../runs/index.ts";
import type { ExportedRun } from "./state-export.ts";

/** A decision of the guard as the run recorded it. */
export interface GuardDecision {
  /** Contract id and output, or `RESPOND`. */
  readonly effect: string;
  readonly ok: boolean;
  readonly reason: string | null;
  readonly requirementHash: string | null;
  readonly record: Evidence;
}

function decisionOf(record: Evidence): GuardDecision | null {
  const { kind, payload } = record.body;
  if (kind !== "guard_decision" || payload === undefined || !isJsonObject(payload)) return null;
  const { effect, ok, reason, requirementHash } = payload;
  if (typeof effect !== "string" || typeof ok !== "boolean") return null;
  const text = (value: Json | undefined): string | null => (typeof value === "string" ? value : null);
  return { effect, ok, reason: text(reason), requirementHash: text(requirementHash), record };
}

export const guardDecisions = ({ evidence }: ExportedRun): readonly GuardDecision[] =>
  evidence.map(decisionOf).filter((decision) => decision !== null);

/**
 * Judges, and records nothing. Seals are taken as they are: only the device that made them can check them, and no
 * effect follows from the verdict. Every hash is computed anew.
 */
export class RecordedMoment implements JudgedEvidence {
  readonly list: readonly Evidence[];
  readonly #run: ExportedRun;
  readonly #rules: Pick<ReleaseSet, "sources" | "evidence">;
  readonly #now: Instant;

  /**
   * @param rules of the policy that judges.
   * @param at the record that was written at that moment; what came before it is what was known.
   */
  constructor(
    run: ExportedRun,
    rules: Pick<ReleaseSet, "sources" | "evidence">,
    at: Evidence,
    options: { readonly inclusive: boolean },
  ) {
    const { seq, ts, monoMs, bootId } = at.body;
    this.list = run.evidence.filter(({ body }) => body.seq < seq || (options.inclusive && body.seq === seq));
    this.#run = run;
    this.#rules = rules;
    this.#now = { wallMs: ts, monoMs, bootId };
  }

  guard({ effect, requirement, claims, risk }: GuardRequest): GuardVerdict {
    const { record, blobs, evidence } = this.#run;
    const { sources, evidence: rules } = this.#rules;
    const records = this.list.map((item) =>
      guardRecordOf(item, {
        runId: record.runId,
        subject: record.subject,
        deviceId: evidence[0]?.body.deviceId ?? "",
        now: this.#now,
        source: (source) => sources.lookup(source),
        seals: "opaque",
        blob: (sha256) => blobs.get(sha256),
        signatureFreshMs: rules.signatureFreshMs,
      }),
    );
    return guard({
      effect,
      requirement,
      records,
      kinds: rules.kinds,
      units: rules.units,
      claims: nameEvidence(claims ?? [], this.list),
      ...(risk ? { risk } : {}),
    });
  }
}
