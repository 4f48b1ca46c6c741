/** Runs twice and compares record by record (simulator.md 2 and 11, I14). */
import { canonicalize } from "../../firmware/core/canonical-json.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Run } from "../scenario/types.ts";
import type { TraceRecord } from "../trace/trace.ts";
import { type ExecuteOptions, execute, type RunOutcome } from "./outcome.ts";
import type { Sim } from "./sim.ts";

export interface Divergence {
  /** Number of the first record that differs, from 0. */
  readonly number: number;
  /** Null where a run had ended. */
  readonly first: Json;
  readonly second: Json;
}

async function recorded(run: Run, options: ExecuteOptions, records: string[]): Promise<RunOutcome> {
  const prepare = (sim: Sim): void => {
    sim.trace.onRecord((record) => records.push(canonicalize(record)));
    options.prepare?.(sim);
  };
  return execute(run, { ...options, prepare });
}

function divergence(first: readonly string[], second: readonly string[]): Divergence | null {
  const length = Math.max(first.length, second.length);
  const parse = (text: string | undefined): Json => (text === undefined ? null : (JSON.parse(text) as Json));
  for (let number = 0; number < length; number++)
    if (first[number] !== second[number])
      return { number, first: parse(first[number]), second: parse(second[number]) };
  return null;
}

/** The first run's outcome, with the violation I14 if the second one went another way. */
export async function executeTwice(run: Run, options: ExecuteOptions): Promise<RunOutcome> {
  const [records, again]: [string[], string[]] = [[], []];
  const outcome = await recorded(run, options, records);
  const { prepare: _once, ...quiet } = options;
  await recorded(run, quiet, again);
  const found = divergence(records, again);
  if (found === null) return outcome;
  const violation = {
    id: "I14" as const,
    what: `The second run with the same seed differs from record ${found.number} on.`,
    actor: null,
    atUs: outcome.simulatedUs,
    details: { first: { number: found.number, first: found.first, second: found.second } },
  };
  const violations = [violation, ...outcome.violations];
  const first = found.first === null ? null : (found.first as JsonObject & TraceRecord);
  return { ...outcome, ok: false, violations, finding: { violation, device: null, first, tail: [] } };
}
