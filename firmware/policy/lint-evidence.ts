/** Lint of what is demanded against what the declared bindings can give (policy.md 9). */
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import {
  BUILT_IN_KINDS,
  CUSTOM_KIND,
  FACTORY_SOURCE_RULES,
  originOf,
  parseSource,
  RISK_RULES,
  type RiskLevel,
  sourceMatches,
} from "../evidence/index.ts";
import type { CompileFacts } from "./facts.ts";
import type { Findings, PolicyDocument } from "./lint.ts";
import { issue, pointer } from "./shape.ts";

const objectAt = (value: Json | undefined, key: string): JsonObject => {
  const found = isJsonObject(value ?? null) ? member(value as JsonObject, key) : undefined;
  return found !== undefined && isJsonObject(found) ? found : {};
};
const textsAt = (value: JsonObject, key: string): readonly string[] => {
  const found = member(value, key);
  return Array.isArray(found) ? found.filter((item) => typeof item === "string") : [];
};

/** Custom kinds have the form that the table of kinds takes, and a binding that names one finds it declared. */
function lintCustomKinds(document: PolicyDocument, findings: Findings): void {
  const declared = Object.keys(objectAt(document.evidence, "kinds"));
  for (const kind of declared) {
    if (CUSTOM_KIND.test(kind)) continue;
    const at = pointer("/evidence/kinds", kind);
    findings.error(issue("out_of_range", at, "A custom kind is x_ and up to 62 of a-z, 0-9 and _."));
  }
  for (const [i, { kind }] of (document.bindings ?? []).entries()) {
    if (!kind.startsWith("x_") || declared.includes(kind)) continue;
    const at = `/bindings/${i}/kind`;
    findings.error(issue("out_of_range", at, `/evidence/kinds does not declare ${kind}.`, { kind }));
  }
}

/** Kinds that need hardware or a peer; everything else the daemon makes by itself. */
const needsBinding = (kind: string): boolean => {
  const cls = BUILT_IN_KINDS.get(kind)?.class;
  return cls === undefined || (cls === "observation" && kind !== "clock_read");
};

function lintKinds(
  kinds: readonly string[],
  path: string,
  producible: ReadonlySet<string>,
  findings: Findings,
): void {
  for (const [i, kind] of kinds.entries()) {
    const at = pointer(path, i);
    if (BUILT_IN_KINDS.get(kind)?.class === "bookkeeping") {
      findings.error(
        issue("bookkeeping_kind_required", at, `${kind} exists in every run and proves nothing.`, { kind }),
      );
    } else if (needsBinding(kind) && !producible.has(kind)) {
      findings.error(
        issue("required_kind_unproducible", at, `No binding, driver or verifier produces ${kind}.`, { kind }),
      );
    }
  }
}

/** Distinct origins of the bindings; a URI that is no evidence source gives none and is reported elsewhere. */
function declaredOrigins(document: PolicyDocument, facts: CompileFacts, findings: Findings): number {
  const prefixes = facts.sourcePrefixes ?? FACTORY_SOURCE_RULES.map((rule) => rule.prefix);
  const origins = new Set<string>();
  for (const [i, binding] of (document.bindings ?? []).entries()) {
    const source = binding.uri;
    if (parseSource(source) === null) {
      findings.error(
        issue("out_of_range", `/bindings/${i}/uri`, "This is not the URI of an evidence source."),
      );
    } else if (prefixes.some((prefix) => sourceMatches(prefix, source))) origins.add(originOf(source));
    else {
      findings.error(
        issue("source_scheme_unregistered", `/bindings/${i}/uri`, "No source is registered for this URI.", {
          uri: binding.uri,
        }),
      );
    }
  }
  return origins.size;
}

function lintSources(document: PolicyDocument, origins: number, strict: boolean, findings: Findings): void {
  const tooFew = (path: string, need: number): void => {
    const found = issue("too_few_sources", path, `${need} distinct origins are demanded, ${origins} exist.`, {
      need,
      have: origins,
    });
    if (strict) findings.error(found);
    else findings.warn(found);
  };
  for (const [i, output] of (document.outputs ?? []).entries()) {
    const risk = output.risk;
    if (typeof risk !== "string" || !Object.hasOwn(RISK_RULES, risk)) continue;
    const own = member(objectAt(output, "requires"), "minSources");
    const need = Math.max(RISK_RULES[risk as RiskLevel].minSources, typeof own === "number" ? own : 0);
    if (need > origins) tooFew(pointer("/outputs", i), need);
  }
  const byType = objectAt(objectAt(document.evidence, "points"), "byType");
  for (const [type, demand] of Object.entries(byType)) {
    const need = isJsonObject(demand) ? member(demand, "minDistinctSources") : undefined;
    if (typeof need === "number" && need > origins) tooFew(pointer("/evidence/points/byType", type), need);
  }
}

/** Sources, kinds and counts. `strict` is true for the profiles prod and strict. */
export function lintEvidence(
  document: PolicyDocument,
  facts: CompileFacts,
  strict: boolean,
  findings: Findings,
): void {
  const origins = declaredOrigins(document, facts, findings);
  lintSources(document, origins, strict, findings);
  lintCustomKinds(document, findings);
  const producible = new Set([
    ...(document.bindings ?? []).map((binding) => binding.kind),
    ...(facts.producedKinds ?? []),
  ]);
  const guard = objectAt(document.evidence, "guard");
  lintKinds(textsAt(guard, "requiredKinds"), "/evidence/guard/requiredKinds", producible, findings);
  for (const [i, output] of (document.outputs ?? []).entries()) {
    const requires = objectAt(output, "requires");
    const path = `${pointer("/outputs", i)}/requires/requiredKinds`;
    lintKinds(textsAt(requires, "requiredKinds"), path, producible, findings);
  }
}
