/** Runs gates in groups (rollout.md 4): a group runs completely, a group with violations ends the work. */
import { codeOf } from "../../firmware/core/errors.ts";
import { hashJson } from "../../firmware/core/hash.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { TRIAL_LIMITS } from "../../firmware/core/limits.ts";

export type GateClass = "hard" | "soft";

export interface GateViolation {
  readonly gate: string;
  readonly code: string;
  readonly class: GateClass;
  readonly details: JsonObject;
}

export interface GateResult {
  readonly gate: string;
  readonly ok: boolean;
  readonly violations: readonly GateViolation[];
  /** Wall ms. */
  readonly at: number;
  /** H(JCS(input)), so that a result can be told from one over other facts. */
  readonly inputHash: string;
  /** What was hashed; absent in results of versions before this one. */
  readonly input?: JsonObject;
  /** What the gate measured, for `explain`; both Φ values in the case of `phi`. */
  readonly facts?: JsonObject;
}

/** What a gate found. `no_data` says that its input is missing: that is no pass. */
export type GateFinding =
  | "no_data"
  | {
      readonly violations: readonly {
        readonly code: string;
        readonly class?: GateClass;
        readonly details?: JsonObject;
      }[];
      readonly facts?: JsonObject;
    };

export interface Gate {
  readonly name: string;
  readonly class: GateClass;
  /** As the active policy says; default true. Disabling a hard gate is a violation itself. */
  readonly enabled?: boolean;
  check(signal: AbortSignal): GateFinding | Promise<GateFinding>;
}

export interface GateReport {
  readonly ok: boolean;
  readonly violations: readonly GateViolation[];
  readonly results: readonly GateResult[];
  /** Names of the gates that were run, in order. */
  readonly ran: readonly string[];
}

const byCode = (a: GateViolation, b: GateViolation): number =>
  a.code < b.code ? -1 : a.code > b.code ? 1 : 0;

async function findings(
  gate: Gate,
  signal: AbortSignal,
): Promise<{ violations: GateViolation[]; facts?: JsonObject }> {
  try {
    const found = await gate.check(signal);
    if (found === "no_data") {
      return { violations: [{ gate: gate.name, code: "no_data", class: gate.class, details: {} }] };
    }
    const violations = found.violations.map((one) => ({
      gate: gate.name,
      code: one.code,
      class: one.class ?? gate.class,
      details: one.details ?? {},
    }));
    return { violations: violations.sort(byCode), ...(found.facts ? { facts: found.facts } : {}) };
  } catch (error) {
    if (signal.aborted) throw error;
    const details = { cause: codeOf(error) };
    return { violations: [{ gate: gate.name, code: "gate_error", class: "hard", details }] };
  }
}

/**
 * @param context what all gates judge: hashed into each result. @param at wall ms.
 * @throws the signal's reason when aborted; nothing else.
 */
export async function runGates(
  groups: readonly { readonly gates: readonly Gate[] }[],
  context: { readonly at: number; readonly input: JsonObject; readonly signal: AbortSignal },
): Promise<GateReport> {
  const results: GateResult[] = [];
  const ran: string[] = [];
  for (const { gates } of groups) {
    const violations: GateViolation[] = [];
    for (const gate of gates) {
      if (gate.enabled === false) {
        if (gate.class === "hard") {
          violations.push({ gate: gate.name, code: "gate_disabled", class: "hard", details: {} });
        }
        continue;
      }
      ran.push(gate.name);
      const found = await findings(gate, context.signal);
      context.signal.throwIfAborted();
      violations.push(...found.violations);
      const input: JsonObject = { gate: gate.name, input: context.input };
      results.push({
        gate: gate.name,
        ok: found.violations.length === 0,
        violations: found.violations.slice(0, TRIAL_LIMITS.keptViolations),
        at: context.at,
        inputHash: hashJson(input),
        input,
        ...(found.facts ? { facts: found.facts } : {}),
      });
    }
    if (violations.length > 0) return { ok: false, violations, results, ran };
  }
  if (ran.length > 0) return { ok: true, violations: [], results, ran };
  const empty: GateViolation = { gate: "runner", code: "gate_empty", class: "hard", details: {} };
  return { ok: false, violations: [empty], results, ran };
}
