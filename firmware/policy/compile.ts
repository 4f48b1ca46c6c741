/** The policy compiler (policy.md 3): signed bytes in, a complete frozen policy or every issue of a pass out. */
import { hashJson } from "../core/hash.ts";
import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import { POLICY_LIMITS } from "../core/limits.ts";
import { JsonError, parseJson } from "../core/parse-json.ts";
import { checkCeilings } from "./ceilings.ts";
import { type CompiledDocument, complete } from "./complete.ts";
import type { CompileFacts } from "./facts.ts";
import { lintDocument, type PolicyDocument } from "./lint.ts";
import { loosenings } from "./loosening.ts";
import { checkOverrides } from "./overrides.ts";
import { outputRequirement, replyRequirement } from "./requirements.ts";
import { resolveRisk } from "./risk-domain.ts";
import { documentSchema } from "./schema.ts";
import { issue, sortIssues } from "./shape.ts";
import type { CompiledOutput, CompiledPolicy, PolicyIssue } from "./types.ts";

export type CompileResult =
  | { readonly ok: true; readonly policy: CompiledPolicy; readonly warnings: readonly PolicyIssue[] }
  | {
      readonly ok: false;
      readonly code: "policy_invalid";
      readonly errors: readonly PolicyIssue[];
      readonly warnings: readonly PolicyIssue[];
    };

const refused = (errors: readonly PolicyIssue[], warnings: readonly PolicyIssue[] = []): CompileResult => ({
  ok: false,
  code: "policy_invalid",
  errors: sortIssues(errors),
  warnings: sortIssues(warnings),
});

/** Passes 1 and 2. */
function read(bytes: Uint8Array): { readonly value: Json } | { readonly error: PolicyIssue } {
  try {
    return {
      value: parseJson(bytes, {
        maxBytes: POLICY_LIMITS.documentBytes,
        maxDepth: POLICY_LIMITS.documentDepth,
      }),
    };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const details = { problem: error.problem, line: error.line };
    return { error: issue(error.problem, "", error.message, details) };
  }
}

/** Passes 3 and 4: types, enums and ranges first, unknown members only in a document that is otherwise right. */
function checkSchema(value: Json): readonly PolicyIssue[] {
  const issues: PolicyIssue[] = [];
  documentSchema(value, "", issues);
  const typed = issues.filter((found) => found.code !== "unknown_field");
  return typed.length > 0 ? typed : issues;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}

const covered = (pointerOf: string, loosens: readonly string[]): boolean =>
  loosens.some((entry) => pointerOf === entry || pointerOf.startsWith(`${entry}/`));

/** Where the candidate is looser than the policy in force and its signers did not say so. */
function unacknowledged(compiled: CompiledDocument, facts: CompileFacts): readonly PolicyIssue[] {
  return loosenings(facts.active?.compiled, compiled)
    .filter((at) => !covered(at, compiled.loosens))
    .map((at) =>
      issue("unacknowledged_loosening", at, "Add this pointer to `loosens` if the loosening is meant."),
    );
}

function assemble(document: Json, compiled: CompiledDocument): CompiledPolicy {
  const outputs: readonly CompiledOutput[] = compiled.outputs.map((output) => ({
    ...output,
    requirement: outputRequirement(compiled.evidence, output),
  }));
  const reply = replyRequirement(compiled.evidence, resolveRisk(compiled.risk.domains, "respond").risk);
  return deepFreeze({
    policyHash: hashJson(document),
    compiledHash: hashJson({ ...compiled, outputs, replyRequirement: reply }),
    id: compiled.id,
    version: compiled.version,
    profile: compiled.profile,
    subjects: compiled.subjects,
    bindings: compiled.bindings,
    outputs,
    limits: statedLimits(compiled.limits),
    rules: compiled.decisions.rules,
    noRule: compiled.decisions.noRule,
    lowTrust: compiled.decisions.lowTrust,
    replyRequirement: reply,
    compiled,
  });
}

/** Only the limits that the policy states; null means the tier's own value. */
const statedLimits = (limits: CompiledDocument["limits"]): CompiledPolicy["limits"] =>
  Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== null));

/**
 * Compiles one document. Pure: the same bytes and facts give the same result on every machine. The passes run in
 * order, each collects all of its issues, and a pass with issues ends the compilation with `policy_invalid`.
 */
export function compilePolicy(bytes: Uint8Array, facts: CompileFacts = {}): CompileResult {
  const parsed = read(bytes);
  if ("error" in parsed) return refused([parsed.error]);
  const { value } = parsed;
  const schemaIssues = checkSchema(value);
  if (schemaIssues.length > 0 || !isJsonObject(value)) return refused(schemaIssues);
  const document = value as PolicyDocument & JsonObject;
  const { errors, warnings } = lintDocument(document, value, facts);
  if (errors.length > 0) return refused(errors, warnings);
  const compiled = complete(value);
  const loosened = unacknowledged(compiled, facts);
  if (compiled.profile === "prod" || compiled.profile === "strict") {
    if (loosened.length > 0) return refused(loosened, warnings);
  } else warnings.push(...loosened);
  for (const check of [checkOverrides, checkCeilings]) {
    const found = check(compiled, value);
    if (found.length > 0) return refused(found, warnings);
  }
  return { ok: true, policy: assemble(value, compiled), warnings: sortIssues(warnings) };
}
