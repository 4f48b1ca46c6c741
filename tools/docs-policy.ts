/** The tables of docs/policy.md, from the rules of the compiler. */
import { isJsonObject, type Json, type JsonObject } from "../firmware/core/json.ts";
import { RISK_LEVELS, RISK_RULES } from "../firmware/evidence/risk.ts";
import { sectionDefaults } from "../firmware/policy/defaults.ts";
import { adjustForProfile } from "../firmware/policy/profile.ts";
import { profiles } from "../firmware/policy/schema.ts";
import { code, head, row } from "./docs-table.ts";

function riskTable(): string {
  const rows = RISK_LEVELS.map((level) => {
    const { minTrust, maxAgeMs, minSources } = RISK_RULES[level];
    return row(code(level), String(minTrust), String(maxAgeMs), String(minSources));
  });
  return [head("risk", "least trust", "largest age, ms", "least sources"), ...rows].join("\n");
}

function profileTable(): string {
  const columns = profiles.map((profile) => adjustForProfile({}, profile));
  const names = [
    ...(["minDistinctSources", "minTotalTrust", "minLevel", "requireGroups", "numberTolerance"] as const),
    ...(["minPointsPerClaim", "p95Window", "violationLimit", "noRule", "lowTrust"] as const),
  ];
  const rows = names.map((name) => row(code(name), ...columns.map((column) => String(column[name]))));
  return [head("threshold", ...profiles), ...rows].join("\n");
}

/** Members down to the values; empty objects and lists are values. */
function leaves(value: Json, path: string): readonly (readonly [path: string, value: Json])[] {
  if (!isJsonObject(value) || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, `${path}/${key}`));
}

function sectionRow(name: string, value: Json): string {
  const shown = leaves(value, "").map(([path, leaf]) =>
    path === "" ? code(JSON.stringify(leaf)) : `${code(path.slice(1))} ${JSON.stringify(leaf)}`,
  );
  return row(code(name), shown.join(", ").replaceAll("|", "\\|"));
}

const defaultsTable = (defaults: JsonObject): string =>
  [
    head("section", "what absence means"),
    ...Object.entries(defaults).map(([name, value]) => sectionRow(name, value)),
  ].join("\n");

/** The generated sections of docs/policy.md by name. */
export const policySections = (): Readonly<Record<string, string>> => ({
  risk: riskTable(),
  profiles: profileTable(),
  defaults: defaultsTable(sectionDefaults),
});
