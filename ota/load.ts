/** From bytes to a release that may run, or the reason why not. */
import { jcs } from "../firmware/core/canonical-json.ts";
import { type Refusal, refusal } from "../firmware/core/errors.ts";
import type { Json, JsonObject } from "../firmware/core/json.ts";
import { FACTORY_SOURCE_RULES, readSourceList, type SourceList } from "../firmware/evidence/index.ts";
import { type CompiledPolicy, type CompileFacts, compilePolicy } from "../firmware/policy/index.ts";
import { type VerifiedProgram, verifyProgram } from "../firmware/vm/index.ts";
import type { LoadedRelease, ViewOf } from "./ports.ts";
import { type ReleaseBundle, readBundle, releaseHash } from "./release/bundle.ts";

/** Why a bundle cannot run: `policy_invalid` or `program_invalid` with their issues. */
export interface PlanIssue {
  readonly code: string;
  readonly details: JsonObject;
}

export interface Compiled {
  readonly policy: CompiledPolicy | null;
  readonly programs: ReadonlyMap<string, VerifiedProgram>;
  readonly sources: SourceList | null;
  readonly issues: readonly PlanIssue[];
}

const MAX_ISSUES = 32;

/** The list of sources, null without one or where it cannot be read. */
function sourcesOf({ sources }: ReleaseBundle): {
  readonly list: SourceList | null;
  readonly issues: readonly PlanIssue[];
} {
  if (sources === undefined) return { list: null, issues: [] };
  const read = readSourceList(sources);
  if (read.ok) return { list: read.list, issues: [] };
  return { list: null, issues: [{ code: read.code, details: { document: "sources", ...read.details } }] };
}

/** What the compiler judges bindings by, beside what it is told of the device. */
function withPrefixes(facts: CompileFacts, list: SourceList | null): CompileFacts {
  if (list === null) return facts;
  const factory = facts.sourcePrefixes ?? FACTORY_SOURCE_RULES.map(({ prefix }) => prefix);
  return { ...facts, sourcePrefixes: [...factory, ...list.rules.map(({ prefix }) => prefix)] };
}

/** Reads the sources, compiles the policy, then verifies every program under it; all problems are reported. */
export function compileBundle(bundle: ReleaseBundle, facts: CompileFacts, viewOf: ViewOf): Compiled {
  const { list: sources, issues: unread } = sourcesOf(bundle);
  const result = compilePolicy(jcs(bundle.policy), withPrefixes(facts, sources));
  if (!result.ok) {
    const listed: Json = result.errors
      .slice(0, MAX_ISSUES)
      .map(({ code, path, message }) => ({ code, path, message }));
    const issues = [...unread, { code: "policy_invalid", details: { issues: listed } }];
    return { policy: null, programs: new Map(), sources, issues };
  }
  const { policy } = result;
  const { view } = viewOf(policy);
  const programs = new Map<string, VerifiedProgram>();
  const issues: PlanIssue[] = [...unread];
  for (const document of bundle.programs) {
    const verified = verifyProgram(document, view);
    if (verified.ok) programs.set(verified.document.name, verified);
    else {
      const listed: Json = verified.issues
        .slice(0, MAX_ISSUES)
        .map(({ code, unit, index }) => ({ code, unit, index }));
      issues.push({ code: "program_invalid", details: { program: document.name ?? null, issues: listed } });
    }
  }
  return { policy, programs, sources, issues };
}

/**
 * Loads stored bytes for running. Refusals: `policy_corrupt` (500) if they do not have the hash they are stored under
 * or cannot be read, `policy_invalid` if this version of imud cannot run them.
 */
export function loadRelease(
  bytes: Uint8Array,
  expected: { readonly hash: string; readonly isFactory: boolean },
  facts: CompileFacts,
  viewOf: ViewOf,
): { readonly ok: true; readonly release: LoadedRelease } | Refusal {
  const { hash, isFactory } = expected;
  if (releaseHash(bytes) !== hash) return refusal("policy_corrupt", 500, { hash }, "hash");
  const read = readBundle(bytes);
  if (!read.ok) return refusal("policy_corrupt", 500, { hash, cause: read.code }, "bundle");
  const { policy, programs, sources, issues } = compileBundle(read.bundle, facts, viewOf);
  if (policy === null || issues.length > 0) {
    return refusal("policy_invalid", 422, {
      hash,
      issues: issues.map(({ code, details }) => ({ code, details })),
    });
  }
  return { ok: true, release: { hash, isFactory, bundle: read.bundle, policy, programs, sources } };
}
