/** One entry for each verdict of a gate, so that it can be shown later why a release was promoted or not (ledger.md 12). */
import type { JsonObject } from "../firmware/core/json.ts";
import type { LedgerEvent } from "../firmware/ledger/types.ts";
import type { GateResult } from "./gates/runner.ts";
import type { OtaRun } from "./run.ts";

function decisionOf({ gate, ok, violations, inputHash, input }: GateResult, run: OtaRun): LedgerEvent {
  const reasons = [...new Set(violations.map(({ code }) => code))];
  const { policyHash } = run.settings;
  const data: JsonObject = {
    step: gate,
    inputHash,
    ...(input === undefined ? {} : { input }),
    result: { ok, reasons },
    ...(policyHash === undefined ? {} : { policyHash }),
  };
  return { kind: "decision", actor: "daemon", severity: ok ? "info" : "warn", data };
}

/** The verdicts that a run gets with its next arrow, in the order in which the gates were asked. */
export function decisionEvents(run: OtaRun, patch: Partial<OtaRun> = {}): readonly LedgerEvent[] {
  const { gateResults = [] } = patch;
  return gateResults.slice(run.gateResults.length).map((result) => decisionOf(result, run));
}
