/** Lint of a document whose shape is right (policy.md 9). Every problem is reported, not only the first. */
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { CompileFacts } from "./facts.ts";
import { lintEvidence } from "./lint-evidence.ts";
import { lintFacts } from "./lint-facts.ts";
import { lintGlobs, lintRules } from "./lint-rules.ts";
import { demandsSomething } from "./requirements.ts";
import { issue, pointer } from "./shape.ts";
import type { PolicyIssue, Profile, Rule } from "./types.ts";

/** The parts of a document that lint reads; the schema has checked their shapes. */
export interface PolicyDocument {
  readonly id: string;
  readonly version: number;
  readonly profile: Profile;
  readonly ring: "dev" | "staging" | "prod";
  readonly expiresAt: number | null;
  readonly replaces: string | null;
  readonly loosens: readonly string[];
  readonly runtime: { readonly min: string; readonly max: string | null };
  readonly boards: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly roles?: Readonly<Record<string, readonly string[]>>;
  readonly decisions: { readonly rules: readonly Rule[] };
  readonly bindings?: readonly { readonly name: string; readonly uri: string; readonly kind: string }[];
  readonly outputs?: readonly JsonObject[];
  readonly evidence?: JsonObject;
  readonly phi?: {
    readonly budget?: { readonly capacityMilli?: number; readonly cost?: Record<string, number> };
  };
  readonly features?: Readonly<
    Record<string, { readonly enabled: boolean; readonly secrets: readonly string[] }>
  >;
}

export class Findings {
  readonly errors: PolicyIssue[] = [];
  readonly warnings: PolicyIssue[] = [];

  error(found: PolicyIssue): void {
    this.errors.push(found);
  }

  warn(found: PolicyIssue): void {
    this.warnings.push(found);
  }
}

function lintOutputs(document: PolicyDocument, findings: Findings): void {
  for (const [i, output] of (document.outputs ?? []).entries()) {
    const path = pointer("/outputs", i);
    if (output.safe === undefined) {
      findings.error(issue("effect_without_safe_state", path, "Say what this output does when in doubt."));
    }
    if (output.risk === undefined) {
      findings.error(issue("output_without_risk", path, "Say what is at stake: low, medium, high or prod."));
    }
    const requires = output.requires;
    if (requires === undefined || !isJsonObject(requires) || !demandsSomething(requires)) {
      findings.error(issue("effect_without_guard", path, "No evidence could fail what this output demands."));
    }
  }
}

const secretNames = new Set(["secret", "password", "token", "private", "hmac"]);

function lintSecrets(value: Json, path: string, findings: Findings): void {
  if (typeof value === "string") {
    if (value.includes("-----BEGIN ")) {
      findings.error(issue("secret_in_policy", path, "A policy carries names of secrets, never their text."));
    }
    return;
  }
  if (typeof value !== "object" || value === null) return;
  const entries: readonly (readonly [string | number, Json])[] = Array.isArray(value)
    ? [...value.entries()]
    : Object.entries(value);
  for (const [key, item] of entries) {
    const at = pointer(path, key);
    if (typeof key === "string" && secretNames.has(key.toLowerCase())) {
      findings.error(issue("secret_in_policy", at, "A policy carries names of secrets, never their values."));
    }
    lintSecrets(item, at, findings);
  }
}

function lintFeatures(document: PolicyDocument, facts: CompileFacts, findings: Findings): void {
  for (const [name, feature] of Object.entries(document.features ?? {})) {
    if (!feature.enabled) continue;
    for (const [i, secret] of feature.secrets.entries()) {
      if (facts.secrets?.includes(secret)) continue;
      findings.error(
        issue(
          "secret_missing",
          `${pointer("/features", name)}/secrets/${i}`,
          `Provide the secret ${secret}.`,
          {
            secret,
          },
        ),
      );
    }
  }
}

function lintBudget(document: PolicyDocument, findings: Findings): void {
  const budget = document.phi?.budget ?? {};
  const costs = Object.entries(budget.cost ?? {});
  for (const [capability, cost] of costs) {
    if (cost >= 0) continue;
    findings.error(
      issue("cost_negative", pointer("/phi/budget/cost", capability), "A cost is at least 0 mΦ.", { cost }),
    );
  }
  if (budget.capacityMilli === 0 && costs.some(([, cost]) => cost > 0)) {
    findings.error(
      issue("budget_zero", "/phi/budget/capacityMilli", "Nothing that has a cost could ever be called."),
    );
  }
}

/** All static lint of one document. */
export function lintDocument(document: PolicyDocument, whole: Json, facts: CompileFacts): Findings {
  const findings = new Findings();
  const strict = document.profile === "prod" || document.profile === "strict";
  lintRules(document.decisions.rules, strict, findings);
  for (const [role, globs] of Object.entries(document.roles ?? {})) {
    lintGlobs(globs, pointer("/roles", role), findings);
  }
  if (document.ring === "prod" && !strict) {
    findings.error(
      issue("ring_profile_mismatch", "/ring", "The ring prod needs the profile prod or strict."),
    );
  }
  if (!Object.hasOwn(document.labels, "team") || document.labels.team === "") {
    findings.error(issue("label_missing", "/labels/team", "Name the team that answers for this policy."));
  }
  lintOutputs(document, findings);
  lintEvidence(document, facts, strict, findings);
  lintSecrets(whole, "", findings);
  lintFeatures(document, facts, findings);
  lintBudget(document, findings);
  lintFacts(document, facts, findings);
  return findings;
}
