/** Pass 9 of the compiler: tiers and subjects may only tighten (policy.md 8). */
import { isJsonObject, type JsonObject, member } from "../core/json.ts";
import { TIER_LIMITS } from "../vm/index.ts";
import type { CompiledDocument } from "./complete.ts";
import { defaultTiers } from "./defaults.ts";
import { overrideDirections, tierDirections } from "./directions.ts";
import { tierNames } from "./schema.ts";
import { limitKeys } from "./schema-sections.ts";
import { pointer } from "./shape.ts";
import { tightenValues } from "./tighten.ts";
import type { PolicyIssue } from "./types.ts";

const objectAt = (value: JsonObject, key: string): JsonObject => {
  const found = member(value, key);
  return found !== undefined && isJsonObject(found) ? found : {};
};

function checkTiers(author: JsonObject): PolicyIssue[] {
  const tiers = objectAt(author, "tiers");
  return tierNames.flatMap((name) => {
    const limits = Object.fromEntries(limitKeys.map((key) => [key, TIER_LIMITS[name][key]]));
    const base = { ...objectAt(defaultTiers, name), limits };
    const path = pointer("/tiers", name);
    const result = tightenValues(base, objectAt(tiers, name), tierDirections, "document", path);
    return result.ok ? [] : result.errors;
  });
}

/** Issues `override_loosens` and `unknown_field` at the pointer of the override. */
export function checkOverrides(compiled: CompiledDocument, author: JsonObject): readonly PolicyIssue[] {
  const subjects = Object.entries(compiled.subjects).flatMap(([id, subject]) => {
    if (subject.overrides === undefined) return [];
    const path = `${pointer("/subjects", id)}/overrides`;
    const result = tightenValues(compiled, subject.overrides, overrideDirections, "document", path);
    return result.ok ? [] : result.errors;
  });
  return [...checkTiers(author), ...subjects];
}
