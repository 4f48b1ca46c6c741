/** The commands of this version in one table (trust.md 7.2). Names without a handler are unknown to the device. */

import { isJsonObject, type Json, type JsonObject } from "../core/json.ts";
import type { Scope } from "../core/key-record.ts";

export interface ArgRule {
  readonly type: "string" | "integer" | "boolean" | "object" | "any";
  readonly required?: true;
  /** Strings only, default 256. */
  readonly maxLength?: number;
}

export interface CommandRule {
  readonly name: string;
  /** Key of the handler that does the work; aliases share one. */
  readonly handler: string;
  readonly scope: Scope;
  /** What the signer's subject must be permitted (row 17). */
  readonly permission: string;
  readonly args: Readonly<Record<string, ArgRule>>;
  /** Distinct signers needed. */
  readonly quorum: number;
  readonly idempotent: boolean;
}

const runArgs = {
  program: { type: "string", required: true, maxLength: 128 },
  payload: { type: "any" },
} as const;
const stopArgs = { reason: { type: "string" } } as const;

const RULES: readonly CommandRule[] = [
  rule("run.start", "command", "run.start", runArgs, false),
  { ...rule("run.start", "command", "run.start", runArgs, false), name: "program.run" },
  rule("status.get", "command", "status.read", {}, true),
  rule("ledger.head", "command", "ledger.read", {}, true),
  rule("outputs.safe", "command", "outputs.safe", stopArgs, true),
  { ...rule("outputs.safe", "emergency", "outputs.safe", stopArgs, true), name: "emergency.stop" },
  rule("ota.status", "command", "ota.read", {}, true),
];

function rule(
  name: string,
  scope: Scope,
  permission: string,
  args: Readonly<Record<string, ArgRule>>,
  idempotent: boolean,
): CommandRule {
  return { name, handler: name, scope, permission, args, quorum: 1, idempotent };
}

export const COMMAND_TABLE: ReadonlyMap<string, CommandRule> = new Map(RULES.map((row) => [row.name, row]));

function hasType(value: Json, { type, maxLength = 256 }: ArgRule): boolean {
  switch (type) {
    case "string":
      return typeof value === "string" && value.length > 0 && value.length <= maxLength;
    case "integer":
      return typeof value === "number" && Number.isSafeInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "object":
      return isJsonObject(value);
    case "any":
      return true;
  }
}

/** Why the arguments do not fit, naming the member; null if they do. */
export function argsProblem(args: JsonObject, rules: Readonly<Record<string, ArgRule>>): string | null {
  for (const [name, wanted] of Object.entries(rules)) {
    const value = Object.hasOwn(args, name) ? args[name] : undefined;
    if (value === undefined) {
      if (wanted.required) return `${name} is missing`;
    } else if (!hasType(value, wanted)) return `${name} is not a valid ${wanted.type}`;
  }
  const unknown = Object.keys(args).find((name) => !Object.hasOwn(rules, name));
  return unknown === undefined ? null : `${unknown.slice(0, 64)} is unknown`;
}
