/** Lint of contracts at registration: nothing unbounded, no unanchored pattern, no hole without a value. */
import { CodedError } from "../../core/errors.ts";
import { GATE_LIMITS } from "../../core/limits.ts";
import { COMMON_HOLES, holesOf } from "./template.ts";
import type { CapabilityContract, Schema } from "./types.ts";
import { violationsOf } from "./validate.ts";

const KEYWORDS = new Set([
  "type",
  "enum",
  "const",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "pattern",
  "items",
  "minItems",
  "maxItems",
  "properties",
  "required",
  "additionalProperties",
  "default",
  "title",
  "description",
  "bytes",
]);
const TYPES = new Set(["null", "boolean", "integer", "number", "string", "array", "object"]);
const ID = /^[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*){1,3}$/;

export interface LintFinding {
  readonly code:
    | "contract_unbounded"
    | "pattern_unanchored"
    | "unknown_hole"
    | "default_invalid"
    | "contract_invalid";
  /** Place in the contract, for example `$.params.line` or `$.topic`. */
  readonly path: string;
}

/** The part of a contract that the linter reads; the rest has no rule of its own. */
export type LintedContract = Pick<
  CapabilityContract,
  "format" | "id" | "params" | "positional" | "topic" | "action" | "resources" | "evidence"
> &
  Partial<Pick<CapabilityContract, "result" | "exclusive">>;

/** The first thing that is wrong with a contract, or null (capabilities.md 2). */
export function lintContract(contract: LintedContract): LintFinding | null {
  if (contract.format !== "imu.capability/1") return { code: "contract_invalid", path: "$.format" };
  if (contract.id.length > 64 || !ID.test(contract.id)) return { code: "contract_invalid", path: "$.id" };
  if (contract.params.type !== "object") return { code: "contract_invalid", path: "$.params" };
  return (
    lintSchema(contract.params, "$.params", 0) ??
    (contract.result ? lintSchema(contract.result, "$.result", 0) : null) ??
    lintNames(contract) ??
    lintTemplates(contract)
  );
}

/** @throws CodedError with the finding's code (422), details {capability, path}. */
export function assertContract(contract: CapabilityContract): void {
  const finding = lintContract(contract);
  if (finding) {
    throw new CodedError(finding.code, `Contract ${contract.id} breaks a rule at ${finding.path}.`, {
      status: 422,
      details: { capability: contract.id, path: finding.path },
    });
  }
}

function lintSchema(schema: Schema, path: string, depth: number): LintFinding | null {
  const finding = (code: LintFinding["code"]): LintFinding => ({ code, path });
  if (depth > GATE_LIMITS.schemaDepth) return finding("contract_invalid");
  if (Object.keys(schema).some((keyword) => !KEYWORDS.has(keyword))) return finding("contract_invalid");
  const types = schema.type === undefined ? [] : [schema.type].flat();
  if (types.some((type) => !TYPES.has(type))) return finding("contract_invalid");
  const fixed = schema.enum !== undefined || schema.const !== undefined;
  if (types.length === 0 && !fixed && !schema.bytes && !isAnything(schema))
    return finding("contract_invalid");
  if (schema.bytes && !(schema.bytes.min >= 0 && schema.bytes.max >= schema.bytes.min)) {
    return finding("contract_unbounded");
  }
  if (!fixed) {
    const numeric = types.includes("integer") || types.includes("number");
    if (numeric && (schema.minimum === undefined || schema.maximum === undefined)) {
      return finding("contract_unbounded");
    }
    if (types.includes("string") && schema.maxLength === undefined) return finding("contract_unbounded");
  }
  if (types.includes("array") && schema.maxItems === undefined) return finding("contract_unbounded");
  if (types.includes("object") && schema.properties && schema.additionalProperties !== false) {
    return finding("contract_unbounded");
  }
  const pattern = schema.pattern === undefined ? null : lintPattern(schema.pattern);
  if (pattern) return finding(pattern);
  return lintInner(schema, path, depth) ?? lintDefault(schema, path);
}

/** `{title: …}` alone stands for any JSON value; its size is bounded by the machine's value limits. */
const isAnything = (schema: Schema): boolean => schema.title === "json";

function lintInner(schema: Schema, path: string, depth: number): LintFinding | null {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const found = lintSchema(property, `${path}.${name}`, depth + 1);
    if (found) return found;
  }
  for (const name of schema.required ?? []) {
    if (!Object.hasOwn(schema.properties ?? {}, name)) {
      return { code: "unknown_hole", path: `${path}.${name}` };
    }
  }
  return schema.items ? lintSchema(schema.items, `${path}.items`, depth + 1) : null;
}

function lintDefault(schema: Schema, path: string): LintFinding | null {
  if (schema.default === undefined) return null;
  return violationsOf(schema, schema.default).length > 0 ? { code: "default_invalid", path } : null;
}

function lintPattern(pattern: string): "pattern_unanchored" | "contract_invalid" | null {
  const open = pattern.startsWith("^") && pattern.endsWith("$") && !pattern.endsWith("\\$");
  if (!open || hasTopLevelAlternative(pattern)) return "pattern_unanchored";
  try {
    new RegExp(pattern, "u");
  } catch (error) {
    if (error instanceof SyntaxError) return "contract_invalid";
    throw error;
  }
  return hasNestedQuantifier(pattern) ? "contract_invalid" : null;
}

/** Yields the structural characters of a pattern: no escapes, nothing inside character classes. */
function* structure(pattern: string): Generator<{ readonly char: string; readonly at: number }> {
  let inClass = false;
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] ?? "";
    if (char === "\\") at++;
    else if (inClass) inClass = char !== "]";
    else if (char === "[") inClass = true;
    else yield { char, at };
  }
}

/** `^a|b$` is anchored at one end of each branch only. */
function hasTopLevelAlternative(pattern: string): boolean {
  let depth = 0;
  for (const { char } of structure(pattern)) {
    if (char === "(") depth++;
    else if (char === ")") depth--;
    else if (char === "|" && depth === 0) return true;
  }
  return false;
}

const isUnbounded = (pattern: string, at: number): boolean => {
  const char = pattern[at];
  return char === "*" || char === "+" || (char === "{" && /^\{\d+,\}/.test(pattern.slice(at)));
};

/** A repeated group that itself holds an unbounded repetition: `(a+)+` takes exponential time. */
function hasNestedQuantifier(pattern: string): boolean {
  const groups: boolean[] = [];
  for (const { char, at } of structure(pattern)) {
    if (char === "(") groups.push(false);
    else if (isUnbounded(pattern, at)) groups.fill(true);
    else if (char === ")") {
      const repeatsInside = groups.pop() ?? false;
      if (repeatsInside && (isUnbounded(pattern, at + 1) || pattern[at + 1] === "{")) return true;
    }
  }
  return false;
}

function lintNames(contract: LintedContract): LintFinding | null {
  for (const name of contract.positional) {
    if (!Object.hasOwn(contract.params.properties, name))
      return { code: "unknown_hole", path: "$.positional" };
  }
  return null;
}

function lintTemplates(contract: LintedContract): LintFinding | null {
  const known = (name: string): boolean =>
    COMMON_HOLES.includes(name) || Object.hasOwn(contract.params.properties, name);
  const places: [string, string][] = [
    ["$.topic", contract.topic],
    ["$.action", contract.action],
    ...contract.resources.map((text, i): [string, string] => [`$.resources[${i}]`, text]),
    ...contract.evidence.map(({ source }, i): [string, string] => [`$.evidence[${i}].source`, source]),
    ["$.exclusive", contract.exclusive ?? ""],
  ];
  for (const [path, template] of places) {
    if (!holesOf(template).every(known)) return { code: "unknown_hole", path };
  }
  return null;
}
