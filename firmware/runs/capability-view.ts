/** The registry of capabilities as the machine and its verifier see it. */
import {
  type CapabilityContract,
  type CapabilityRegistry,
  checkArguments,
  type Schema,
  violationsOf,
} from "../capabilities/index.ts";
import type { Json, JsonObject } from "../core/json.ts";
import type { CapabilitySignature, CapabilityView, SchemaCheck } from "../vm/index.ts";

const ANYTHING: Schema = {};

function firstReason(
  contract: CapabilityContract,
  literals: JsonObject,
  computed: readonly string[],
): string | null {
  const { params } = contract;
  const properties: Record<string, Schema> = { ...params.properties };
  for (const name of computed) if (Object.hasOwn(properties, name)) properties[name] = ANYTHING;
  const placeholders = Object.fromEntries(computed.map((name) => [name, null]));
  const checked = checkArguments(
    { params: { ...params, properties }, positional: contract.positional },
    { ...literals, ...placeholders },
  );
  return checked.ok ? null : String(checked.details.reason ?? checked.reason);
}

function signatureOf(contract: CapabilityContract): CapabilitySignature {
  const { id, class: kind, positional, params } = contract;
  return {
    id,
    class: kind,
    positional,
    outputParam: Object.hasOwn(params.properties, "output") ? "output" : null,
    normalise: (args) => {
      const checked = checkArguments(contract, args);
      return checked.ok ? checked.args : args;
    },
    checkLiterals: (literals, computed) => firstReason(contract, literals, computed),
  };
}

export function capabilityView(registry: CapabilityRegistry): CapabilityView {
  const signatures = new Map(registry.contracts().map((contract) => [contract.id, signatureOf(contract)]));
  return {
    resolve: (name) => {
      const capability = registry.get(name);
      return capability ? (signatures.get(capability.contract.id) ?? null) : null;
    },
  };
}

/** The contract language of capabilities.md 2 for payloads and replies of a document. */
export const schemaCheck: SchemaCheck = (schema: JsonObject, value: Json) => {
  const [first] = violationsOf(schema as Schema, value);
  return first ? { reason: first.reason, path: first.path, ...first.details } : null;
};
