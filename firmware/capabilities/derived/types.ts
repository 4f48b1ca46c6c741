/** Derived capabilities: built-ins composed as data, without a line of code (capabilities.md 14). */
import type { Json } from "../../core/json.ts";
import type { CapabilityClass, CapabilityContract, ObjectSchema } from "../contract/types.ts";

/**
 * JSON in which `{"param": "x"}` and `{"step": "s", "pointer": "/value"}` stand for values. An object with any other
 * set of members is plain data.
 */
export type Template = Json;

/** One call; what it answers is known to later steps as `as`. */
export interface DerivedStep {
  readonly as: string;
  readonly call: string;
  readonly args: Template;
}

/** What is rendered; it can be checked without the rest of the manifest. */
export interface DerivedTemplates {
  readonly id: string;
  readonly params: ObjectSchema;
  readonly steps: readonly DerivedStep[];
  readonly returns: Template;
}

/** Proves what a manifest means: these arguments render to exactly these calls. */
export interface DerivedExample {
  readonly args: Json;
  /** `{call, args}` for each step; holes of earlier steps stand as they are written, for their values are not known. */
  readonly calls: readonly Json[];
}

/** Members of a contract that follow from the steps; a manifest that states them must state the same. */
type Inferred = "class" | "resources" | "costMilli";

export type DerivedManifest = Omit<CapabilityContract, Inferred> &
  Partial<Pick<CapabilityContract, Inferred>> &
  DerivedTemplates & { readonly examples: readonly DerivedExample[] };

/** What compiling needs to know of a capability that a step calls. */
export interface StepFacts {
  readonly class: CapabilityClass;
  readonly costMilli: number;
  readonly resources: readonly string[];
  /** Derived itself, so no step of another one. */
  readonly derived: boolean;
}

/** Facts of a capability by canonical id, out of the registry that the derived one will join; null: there is none. */
export type StepLookup = (id: string) => StepFacts | null;

/** Templates whose holes and calls have been checked. */
export interface CompiledTemplates extends DerivedTemplates {
  /** Of each step, in order. */
  readonly facts: readonly StepFacts[];
}

export interface CompiledDerived extends DerivedTemplates {
  /** With the class, resources and cost of the steps. */
  readonly contract: CapabilityContract;
  /** H(JCS(manifest)). */
  readonly identity: string;
}
