import type { JsonObject } from "../../firmware/core/json.ts";
import { durationText } from "./duration.ts";

/** One reading of a real sensor. */
export interface Sample {
  /** µs of any clock; the first sample becomes the begin of the scenario. */
  readonly atUs: number;
  readonly value: number;
}

/**
 * A node of the world that does what a real device measured, to replay a field incident (simulator.md 12, record).
 * Of samples at one time the last counts, samples that go back in time are left out, and of equal ones in a row only
 * the first and the last stay.
 */
export function recordedSignal(samples: readonly Sample[]): JsonObject {
  const rising: Sample[] = [];
  for (const sample of samples) {
    const last = rising.at(-1);
    if (last && sample.atUs < last.atUs) continue;
    if (last?.atUs === sample.atUs) rising.pop();
    rising.push(sample);
  }
  const kept = rising.filter(({ value }, index) => {
    const [before, after] = [rising[index - 1], rising[index + 1]];
    return before?.value !== value || after?.value !== value;
  });
  const beginUs = rising[0]?.atUs ?? 0;
  const schedule = kept.map(({ atUs, value }) => ({ at: durationText(atUs - beginUs), value }));
  return { kind: "signal", base: { schedule, mode: "linear" } };
}
