/** Lint of the decision rules: globs, ids and rules that can never speak (policy.md 9). */
import { priorityOf } from "./decide.ts";
import { covers, isGlob } from "./glob.ts";
import type { Findings } from "./lint.ts";
import { issue, pointer } from "./shape.ts";
import type { Rule } from "./types.ts";

const RULES = "/decisions/rules";
const topicsOf = (rule: Rule): readonly string[] =>
  typeof rule.topic === "string" ? [rule.topic] : rule.topic;
const subjectsOf = (rule: Rule): readonly string[] => rule.subjects ?? ["**"];

/** Adds `bad_glob` for every glob of a list that cannot be meant. */
export function lintGlobs(globs: readonly string[], path: string, findings: Findings): void {
  for (const [i, glob] of globs.entries()) {
    if (!isGlob(glob)) {
      findings.error(
        issue("bad_glob", pointer(path, i), "A glob may not be empty or hold control characters, + or #."),
      );
    }
  }
}

function lintOwnGlobs(rule: Rule, path: string, findings: Findings): void {
  if (typeof rule.topic !== "string") lintGlobs(rule.topic, `${path}/topic`, findings);
  else if (!isGlob(rule.topic)) {
    findings.error(issue("bad_glob", `${path}/topic`, "The topic glob is empty or holds +, # or controls."));
  }
  if (rule.subjects) lintGlobs(rule.subjects, `${path}/subjects`, findings);
}

const allCovered = (wide: readonly string[], narrow: readonly string[]): boolean =>
  narrow.every((glob) => wide.some((other) => covers(other, glob)));

/** True if every question that `rule` matches is matched by `other` as well. */
const matchesAllOf = (other: Rule, rule: Rule): boolean =>
  (other.action === "*" || other.action === rule.action) &&
  allCovered(subjectsOf(other), subjectsOf(rule)) &&
  allCovered(topicsOf(other), topicsOf(rule));

const severity = { block: 0, require_consent: 1, allow: 2 } as const;

/** True if `other` is selected before `rule` wherever both match. */
function alwaysBefore(other: Rule, rule: Rule, otherIsEarlier: boolean): boolean {
  const byPriority = priorityOf(other) - priorityOf(rule);
  if (byPriority !== 0) return byPriority < 0;
  const bySeverity = severity[other.decision] - severity[rule.decision];
  if (bySeverity !== 0) return bySeverity < 0;
  return otherIsEarlier && topicsOf(other).join("\n") === topicsOf(rule).join("\n");
}

function lintShadows(rules: readonly Rule[], index: number, strict: boolean, findings: Findings): void {
  const rule = rules[index];
  if (!rule) return;
  const path = pointer(RULES, index);
  const shadow = rules.find(
    (other, j) => j !== index && alwaysBefore(other, rule, j < index) && matchesAllOf(other, rule),
  );
  if (!shadow) return;
  const details = { by: shadow.id };
  if (rule.decision === "block" && shadow.decision === "allow") {
    const found = issue("shadowed_block", path, `The allow rule "${shadow.id}" takes every match.`, details);
    if (strict) findings.error(found);
    else findings.warn(found);
  } else {
    findings.warn(issue("shadowed_rule", path, `The rule "${shadow.id}" takes every match.`, details));
  }
}

/** All lint of `/decisions`. `strict` is true for the profiles prod and strict. */
export function lintRules(rules: readonly Rule[], strict: boolean, findings: Findings): void {
  const seen = new Set<string>();
  for (const [i, rule] of rules.entries()) {
    const path = pointer(RULES, i);
    lintOwnGlobs(rule, path, findings);
    if (seen.has(rule.id)) {
      findings.error(issue("duplicate_rule_id", `${path}/id`, `The rule id "${rule.id}" appears twice.`));
    }
    seen.add(rule.id);
    if (rule.grantTtlMs !== undefined && rule.decision !== "require_consent") {
      findings.error(
        issue("ttl_on_allow", `${path}/grantTtlMs`, "Only a rule that asks for consent has a grant life."),
      );
    }
    if (rule.decision === "allow" && rule.action === "*" && topicsOf(rule).includes("**")) {
      const found = issue("allow_everything", path, "This rule allows every action on every resource.");
      if (strict) findings.error(found);
      else findings.warn(found);
    }
    lintShadows(rules, i, strict, findings);
  }
}
