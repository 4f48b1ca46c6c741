/** Gate `plan` (rollout.md 5): the candidate compiles, its programs verify and name only what the policy declares. */
import { hashJson } from "../../firmware/core/hash.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { sourceListProblem } from "../../firmware/evidence/index.ts";
import type { CompiledPolicy, CompileFacts } from "../../firmware/policy/index.ts";
import type { VerifiedProgram } from "../../firmware/vm/index.ts";
import { compileBundle, type PlanIssue } from "../load.ts";
import type { LoadedRelease, ViewOf } from "../ports.ts";
import type { ReleaseBundle } from "../release/bundle.ts";
import type { Gate } from "./runner.ts";

export interface PlanInput {
  readonly bundle: ReleaseBundle;
  readonly active: LoadedRelease;
  readonly facts: CompileFacts;
  readonly viewOf: ViewOf;
  /** Trusted wall ms. */
  readonly now: number;
}

const problem = (why: string, details: JsonObject): PlanIssue => ({
  code: "policy_invalid",
  details: { why, ...details },
});

/** A program without a subject, or for another hash, would be refused at every start. */
function subjectIssues(policy: CompiledPolicy, program: VerifiedProgram): readonly PlanIssue[] {
  const { name } = program.document;
  const id = `program:${name}`;
  const subject = Object.hasOwn(policy.subjects, id) ? policy.subjects[id] : undefined;
  if (!subject) return [problem("unknown_subject", { program: name, subject: id })];
  if (subject.programHash !== undefined && subject.programHash !== program.programHash) {
    const { programHash: expected } = subject;
    return [problem("program_hash_mismatch", { program: name, expected, got: program.programHash })];
  }
  return [];
}

function nameIssues(policy: CompiledPolicy, program: VerifiedProgram): readonly PlanIssue[] {
  const declared = new Set(policy.outputs.map(({ name }) => name));
  return program.outputs
    .filter((output) => !declared.has(output))
    .map((output) => problem("output_not_declared", { program: program.document.name, output }));
}

/** In prod nothing disappears by omission: removal is named in `loosens` (rollout.md 19). */
function removals(
  policy: CompiledPolicy,
  programs: ReadonlySet<string>,
  active: LoadedRelease,
): readonly PlanIssue[] {
  if (policy.profile !== "prod" && policy.profile !== "strict") return [];
  const { loosens } = policy.compiled;
  const named = new Set(Array.isArray(loosens) ? loosens : []);
  const outputs = new Set(policy.outputs.map(({ name }) => name));
  const gone = [
    ...[...active.programs.keys()].filter((name) => !programs.has(name)).map((name) => `/programs/${name}`),
    ...active.policy.outputs.filter(({ name }) => !outputs.has(name)).map(({ name }) => `/outputs/${name}`),
  ];
  return gone
    .filter((pointer) => !named.has(pointer))
    .map((pointer) => ({ code: "prune_not_acknowledged", details: { pointer } }));
}

/** All problems of the candidate against the release in force. */
export function planIssues(input: PlanInput): {
  readonly issues: readonly PlanIssue[];
  readonly policy: CompiledPolicy | null;
  readonly programs: ReadonlyMap<string, VerifiedProgram>;
} {
  const { bundle, active, facts, viewOf, now } = input;
  const { id, version, policyHash, compiled } = active.policy;
  // The same policy with other programs is no successor of itself.
  const successor =
    hashJson(bundle.policy) === policyHash ? {} : { active: { id, version, policyHash, compiled } };
  const { policy, programs, sources, issues } = compileBundle(
    bundle,
    { ...facts, ...successor, nowMs: now },
    viewOf,
  );
  if (policy === null) return { issues, policy, programs };
  const stale = sourceListProblem(sources, active.sources, now);
  const names = new Set(programs.keys());
  const tests = bundle.selfTest
    .filter(({ program }) => !names.has(program))
    .map(({ program }) => problem("self_test_unknown_program", { program }));
  const found = [...programs.values()].flatMap((program) => [
    ...subjectIssues(policy, program),
    ...nameIssues(policy, program),
  ]);
  return {
    issues: [...issues, ...(stale ? [stale] : []), ...found, ...tests, ...removals(policy, names, active)],
    policy,
    programs,
  };
}

export const planGate = (input: PlanInput): Gate => ({
  name: "plan",
  class: "hard",
  check: () => ({ violations: planIssues(input).issues }),
});
