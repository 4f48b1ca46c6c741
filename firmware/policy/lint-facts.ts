/** Lint of a policy against the device that shall run it (policy.md 9, last lines). */
import { compare, valid } from "semver";
import type { CompileFacts } from "./facts.ts";
import type { Findings, PolicyDocument } from "./lint.ts";
import { profiles } from "./schema.ts";
import { issue } from "./shape.ts";

function lintRuntime(document: PolicyDocument, facts: CompileFacts, findings: Findings): void {
  const { min, max } = document.runtime;
  for (const [key, version] of [
    ["min", min],
    ["max", max],
  ] as const) {
    if (version !== null && valid(version) === null) {
      findings.error(issue("out_of_range", `/runtime/${key}`, "Expected a semantic version such as 1.2.0."));
      return;
    }
  }
  const running = facts.runtimeVersion;
  if (running === undefined) return;
  if (compare(running, min) < 0 || (max !== null && compare(running, max) > 0)) {
    findings.error(
      issue("incompatible_runtime", "/runtime", `This device runs imud ${running}.`, { running, min, max }),
    );
  }
}

function lintSuccession(document: PolicyDocument, facts: CompileFacts, findings: Findings): void {
  const active = facts.active;
  if (active === undefined) return;
  if (active !== null && active.id === document.id && document.version <= active.version) {
    findings.error(
      issue("version_not_newer", "/version", `Version ${active.version} is active.`, {
        active: active.version,
      }),
    );
  }
  if (document.replaces !== null && document.replaces !== active?.policyHash) {
    findings.error(
      issue("replaces_mismatch", "/replaces", "The policy was prepared against another one than the active."),
    );
  }
}

/** Runtime, board, profile, version, predecessor and expiry. Facts that are absent are not judged. */
export function lintFacts(document: PolicyDocument, facts: CompileFacts, findings: Findings): void {
  lintRuntime(document, facts, findings);
  lintSuccession(document, facts, findings);
  const { boards, profile, expiresAt } = document;
  if (facts.board !== undefined && !boards.includes("*") && !boards.includes(facts.board)) {
    findings.error(
      issue("incompatible_board", "/boards", `The policy is not for the board ${facts.board}.`, {
        board: facts.board,
      }),
    );
  }
  if (facts.minProfile !== undefined && profiles.indexOf(profile) < profiles.indexOf(facts.minProfile)) {
    findings.error(
      issue("profile_too_loose", "/profile", `This device demands at least ${facts.minProfile}.`, {
        minProfile: facts.minProfile,
      }),
    );
  }
  if (expiresAt !== null && facts.nowMs !== undefined && facts.nowMs > expiresAt) {
    findings.error(issue("policy_expired", "/expiresAt", "The policy has expired.", { expiresAt }));
  }
}
