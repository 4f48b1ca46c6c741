/** Where a candidate is looser than the policy in force (policy.md 9, `unacknowledged_loosening`). */
import { isJsonObject, type JsonObject, member } from "../core/json.ts";
import type { CompiledDocument } from "./complete.ts";
import { documentDirections, outputDirections, subjectDirections } from "./directions.ts";
import { pointer } from "./shape.ts";
import { looserPointers } from "./tighten.ts";

const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = member(value, key);
  return found !== undefined && isJsonObject(found) ? found : {};
};

/** Subjects in both policies; one that is gone has lost its rights, a new one is judged by its rules. */
function looserSubjects(before: JsonObject, after: CompiledDocument): string[] {
  const old = objectAt(before, "subjects");
  return Object.keys(after.subjects).flatMap((id) =>
    looserPointers(
      objectAt(old, id),
      objectAt(objectAt(after, "subjects"), id),
      subjectDirections,
      pointer("/subjects", id),
    ),
  );
}

/** Outputs in both policies, found by name. */
function looserOutputs(before: JsonObject, after: JsonObject): string[] {
  const old = member(before, "outputs");
  const now = member(after, "outputs");
  if (!Array.isArray(old) || !Array.isArray(now)) return [];
  return now.flatMap((output, i) => {
    const same = old.find(
      (other) => isJsonObject(other) && isJsonObject(output) && other.name === output.name,
    );
    return isJsonObject(same ?? null) && isJsonObject(output)
      ? looserPointers(same as JsonObject, output, outputDirections, pointer("/outputs", i))
      : [];
  });
}

/** Claim types that the author excepts from the profile's thresholds: visible, and acknowledged in prod. */
function exceptions({ points }: CompiledDocument["evidence"]): string[] {
  return Object.entries(points.byType).flatMap(([type, demand]) =>
    demand.minDistinctSources < points.minDistinctSources || demand.minTotalTrust < points.minTotalTrust
      ? [pointer("/evidence/points/byType", type)]
      : [],
  );
}

/** JSON pointers, distinct, of everything that is looser and has a direction. */
export function loosenings(before: JsonObject | undefined, after: CompiledDocument): readonly string[] {
  const compared =
    before === undefined
      ? []
      : [
          ...looserPointers(before, after, documentDirections),
          ...looserSubjects(before, after),
          ...looserOutputs(before, after),
        ];
  return [...new Set([...compared, ...exceptions(after.evidence)])];
}
