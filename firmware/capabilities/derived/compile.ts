/** Compiles manifests of derived capabilities: everything that can be wrong is found before one is ever called. */
import { canonicalize } from "../../core/canonical-json.ts";
import type { Refusal } from "../../core/errors.ts";
import { hashJson } from "../../core/hash.ts";
import { lintContract } from "../contract/lint.ts";
import type { CapabilityClass, CapabilityContract } from "../contract/types.ts";
import { checkArguments } from "../contract/validate.ts";
import { type CapabilityRegistry, canonicalId } from "../registry.ts";
import { checkHoles } from "./holes.ts";
import { readManifest, readTemplates } from "./manifest.ts";
import { problem } from "./problem.ts";
import { renderCalls } from "./render.ts";
import { unitedResources } from "./resources.ts";
import type {
  CompiledDerived,
  CompiledTemplates,
  DerivedManifest,
  DerivedTemplates,
  StepFacts,
  StepLookup,
} from "./types.ts";

/** The capabilities of a registry as compiling sees them. */
export const lookupIn =
  (registry: CapabilityRegistry): StepLookup =>
  (id) => {
    const capability = registry.get(id);
    return capability ? { ...capability.contract, derived: capability.compound === true } : null;
  };

/** Facts of each step's capability, or the first that no step may call. */
function factsOf({ id, steps }: DerivedTemplates, lookup: StepLookup): readonly StepFacts[] | Refusal {
  const facts: StepFacts[] = [];
  for (const [i, step] of steps.entries()) {
    const called = canonicalId(step.call);
    const path = `$.steps[${i}].call`;
    const found = lookup(called);
    if (!found) return problem("unknown_capability", path, { capability: called });
    // The id of its own is derived too, whatever it replaces.
    if (found.derived || called === id) {
      return problem("unknown_capability", path, { capability: called, why: "derived" });
    }
    // Only operators call these, so no run may do it by another name.
    if (found.class === "control") {
      return problem("unknown_capability", path, { capability: called, why: "control" });
    }
    facts.push(found);
  }
  return facts;
}

function withFacts(templates: DerivedTemplates, lookup: StepLookup) {
  const fault = checkHoles(templates);
  if (fault) return fault;
  const facts = factsOf(templates, lookup);
  return "ok" in facts ? facts : { ok: true as const, templates: { ...templates, facts } };
}

/**
 * Checks the part of a manifest that is rendered: id, params, steps and returns alone.
 * Refusals (422) {path}: `contract_invalid`, `contract_unbounded`, `unknown_hole`, `unused_param`, `unknown_capability`.
 */
export function compileTemplates(
  value: unknown,
  lookup: StepLookup,
): { readonly ok: true; readonly templates: CompiledTemplates } | Refusal {
  const read = readTemplates(value);
  return read.ok ? withFacts(read.value, lookup) : read;
}

/**
 * Compiles a whole manifest: what `compileTemplates` checks, the contract by its lint, the examples by rendering them.
 * Refusals (422) {path}: those of `compileTemplates` and of the lint, `example_mismatch`.
 * @param manifest untrusted JSON; its signature is the caller's matter.
 */
export function compileDerived(
  manifest: unknown,
  lookup: StepLookup,
): { readonly ok: true; readonly compiled: CompiledDerived } | Refusal {
  const read = readManifest(manifest);
  if (!read.ok) return read;
  const { id, params, steps, returns } = read.value;
  const checked = withFacts({ id, params, steps, returns }, lookup);
  if (!checked.ok) return checked;
  const contract = contractOf(read.value, checked.templates);
  const stated = misstated(read.value, contract);
  if (stated) return stated;
  const finding = lintContract(contract);
  if (finding) return problem(finding.code, finding.path);
  const wrong = checkExamples(read.value);
  if (wrong) return wrong;
  const compiled = { id, params, steps, returns, contract, identity: hashJson(read.value) };
  return { ok: true, compiled };
}

const strongest = (facts: readonly StepFacts[]): CapabilityClass =>
  (["effect", "read"] as const).find((wanted) => facts.some((fact) => fact.class === wanted)) ?? "local";

/** The contract without the templates, with what follows from the steps. */
function contractOf(manifest: DerivedManifest, { steps, facts }: CompiledTemplates): CapabilityContract {
  const { steps: _steps, returns: _returns, examples: _examples, ...stated } = manifest;
  return {
    ...stated,
    class: strongest(facts),
    resources: unitedResources(steps, facts),
    costMilli: facts.reduce((sum, fact) => sum + fact.costMilli, 0),
  };
}

/** A manifest that says something else than its steps is refused, not corrected. */
function misstated(manifest: DerivedManifest, contract: CapabilityContract): Refusal | null {
  const { resources } = manifest;
  const sorted = resources === undefined ? undefined : [...new Set(resources)].sort();
  const pairs = [
    ["class", manifest.class, contract.class],
    ["resources", sorted, contract.resources],
    ["costMilli", manifest.costMilli, contract.costMilli],
  ] as const;
  for (const [name, given, expected] of pairs) {
    if (given !== undefined && canonicalize(given) !== canonicalize(expected)) {
      return problem("contract_invalid", `$.${name}`, { why: "not_of_its_steps", expected });
    }
  }
  return null;
}

function checkExamples(manifest: DerivedManifest): Refusal | null {
  for (const [i, example] of manifest.examples.entries()) {
    const path = `$.examples[${i}]`;
    const checked = checkArguments(manifest, example.args);
    if (!checked.ok) return problem("example_mismatch", `${path}.args`, { violation: checked.details });
    const rendered = renderCalls(manifest, checked.args);
    if (!rendered.ok) return rendered;
    const calls = rendered.value.map((call) => canonicalize(call));
    const expected = example.calls.map((call) => canonicalize(call));
    const length = Math.max(calls.length, expected.length);
    for (let at = 0; at < length; at++) {
      if (calls[at] !== expected[at]) return problem("example_mismatch", `${path}.calls[${at}]`);
    }
  }
  return null;
}
