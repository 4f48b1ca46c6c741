import { utf8 } from "../../firmware/core/bytes.ts";
import type { JsonObject } from "../../firmware/core/json.ts";
import { type CompiledPolicy, type CompileFacts, compilePolicy } from "../../firmware/policy/index.ts";

/** The smallest policy that can drive something: one program, one thermometer, one pump, one rule. */
export const smallestPolicy = {
  schema: "imu.policy/1",
  id: "bench",
  version: 1,
  profile: "dev",
  ring: "dev",
  issuedAt: 1_700_000_000_000,
  notBefore: 1_700_000_000_000,
  expiresAt: null,
  replaces: null,
  loosens: [],
  runtime: { min: "0.1.0", max: null },
  boards: ["*"],
  labels: { team: "bench" },
  subjects: { "program:pump": { kind: "program", programHash: "0".repeat(64), tier: "medium" } },
  decisions: {
    rules: [{ id: "drive-pump", topic: "gpio://gpiochip0/17", action: "write", decision: "allow" }],
  },
  bindings: [{ name: "temperature", uri: "i2c://1/0x76/temperature", kind: "i2c_read", unit: "Cel" }],
  outputs: [
    {
      name: "pump",
      uri: "gpio://gpiochip0/17",
      safe: 0,
      risk: "low",
      requires: { requiredKinds: ["i2c_read"], maxAgeMs: 60_000 },
    },
  ],
} as const satisfies JsonObject;

export const bytesOf = (document: JsonObject): Uint8Array => utf8(JSON.stringify(document));

/** Compiles and expects success. */
export function compiled(document: JsonObject, facts: CompileFacts = {}): CompiledPolicy {
  const result = compilePolicy(bytesOf(document), facts);
  if (!result.ok) throw new Error(`the policy does not compile: ${JSON.stringify(result.errors)}`);
  return result.policy;
}

/** `code path` of every error, in order; empty if it compiles. */
export function errorsOf(document: JsonObject, facts: CompileFacts = {}): string[] {
  const result = compilePolicy(bytesOf(document), facts);
  return result.ok ? [] : result.errors.map(({ code, path }) => `${code} ${path}`);
}

export function warningsOf(document: JsonObject, facts: CompileFacts = {}): string[] {
  return compilePolicy(bytesOf(document), facts).warnings.map(({ code, path }) => `${code} ${path}`);
}
