/** What the machine must know about capabilities; the registry of the daemon supplies it. */
import type { Json, JsonObject } from "../core/json.ts";

export interface CapabilitySignature {
  /** Canonical id. */
  readonly id: string;
  readonly class: "read" | "effect" | "local" | "control";
  /** Names of positional arguments, in order. */
  readonly positional: readonly string[];
  /** The parameter that names a policy output, null if the capability drives none. */
  readonly outputParam: string | null;
  /**
   * Arguments as the journal records them: named, defaults applied. Arguments that do not meet the contract come back
   * as they were given; the wrapper refuses them.
   */
  normalise(args: Json): Json;
  /**
   * Judges what is known before the run: `literals` are the named arguments without references, `computed` the names of
   * the others. Gives the first reason of capabilities.md 2, or null.
   */
  checkLiterals(literals: JsonObject, computed: readonly string[]): string | null;
}

export interface CapabilityView {
  /** By canonical id or alias; null if there is no such capability. */
  resolve(idOrAlias: string): CapabilitySignature | null;
}

/** Judges a value by a schema of capabilities.md 2: the first reason with its details, or null. */
export type SchemaCheck = (schema: JsonObject, value: Json) => JsonObject | null;
