/**
 * Small checkers from which the schema of the policy document is put together. Each walks one value, adds an issue
 * per problem with its JSON pointer and never stops at the first (policy.md 3, passes 3 and 4).
 */
import { isJsonObject, type Json, type JsonObject, member } from "../core/json.ts";
import type { PolicyIssue } from "./types.ts";

export type Issues = PolicyIssue[];
export type Check = (value: Json, path: string, issues: Issues) => void;

/** One step of a JSON pointer (RFC 6901). */
export const pointer = (path: string, key: string | number): string =>
  `${path}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;

export function issue(code: string, path: string, message: string, details?: JsonObject): PolicyIssue {
  return details === undefined ? { code, path, message } : { code, path, message, details };
}

function typeName(value: Json): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function wrongType(expected: string, value: Json, path: string): PolicyIssue {
  return issue("wrong_type", path, `Expected ${expected}, found ${typeName(value)}.`, { expected });
}

export const bool: Check = (value, path, issues) => {
  if (typeof value !== "boolean") issues.push(wrongType("true or false", value, path));
};

/** A number within inclusive bounds. */
export function number(min: number, max: number): Check {
  return (value, path, issues) => {
    if (typeof value !== "number") issues.push(wrongType("a number", value, path));
    else if (value < min || value > max) {
      issues.push(
        issue("out_of_range", path, `${value} is not within ${min} to ${max}.`, { value, min, max }),
      );
    }
  };
}

/** A safe integer within inclusive bounds. */
export function integer(min = 0, max = Number.MAX_SAFE_INTEGER): Check {
  const inRange = number(min, max);
  return (value, path, issues) => {
    if (typeof value === "number" && !Number.isSafeInteger(value)) {
      issues.push(issue("out_of_range", path, `${value} is not a safe integer.`, { value }));
    } else inRange(value, path, issues);
  };
}

export interface TextRule {
  readonly pattern?: RegExp;
  readonly maxLength?: number;
}

export function text(rule: TextRule = {}): Check {
  const maxLength = rule.maxLength ?? 512;
  return (value, path, issues) => {
    if (typeof value !== "string") issues.push(wrongType("a text", value, path));
    else if (value.length > maxLength) {
      issues.push(
        issue("out_of_range", path, `The text is longer than ${maxLength} characters.`, { max: maxLength }),
      );
    } else if (rule.pattern && !rule.pattern.test(value)) {
      issues.push(issue("out_of_range", path, `"${value}" does not have the required form.`));
    }
  };
}

/** One of the listed words or numbers. */
export function oneOf(...choices: readonly (string | number)[]): Check {
  return (value, path, issues) => {
    const first = choices[0];
    if (typeof value !== typeof first) {
      issues.push(wrongType(`one of ${choices.join(", ")}`, value, path));
    } else if (!choices.includes(value as string | number)) {
      issues.push(
        issue("out_of_range", path, `${JSON.stringify(value)} is not one of ${choices.join(", ")}.`, {
          allowed: [...choices],
        }),
      );
    }
  };
}

export const nullable =
  (check: Check): Check =>
  (value, path, issues) => {
    if (value !== null) check(value, path, issues);
  };

export function list(check: Check, maxItems = 1024): Check {
  return (value, path, issues) => {
    if (!Array.isArray(value)) {
      issues.push(wrongType("a list", value, path));
      return;
    }
    if (value.length > maxItems) {
      issues.push(
        issue("out_of_range", path, `The list has more than ${maxItems} items.`, { max: maxItems }),
      );
      return;
    }
    for (const [i, item] of value.entries()) check(item, pointer(path, i), issues);
  };
}

/** An object whose keys the author chooses. */
export function record(check: Check, maxKeys = 1024): Check {
  return (value, path, issues) => {
    if (!isJsonObject(value)) {
      issues.push(wrongType("an object", value, path));
      return;
    }
    const entries = Object.entries(value);
    if (entries.length > maxKeys) {
      issues.push(
        issue("out_of_range", path, `The object has more than ${maxKeys} members.`, { max: maxKeys }),
      );
      return;
    }
    for (const [key, item] of entries) {
      if (key === "__proto__" || key === "") {
        issues.push(issue("unknown_field", pointer(path, key), "This name is not allowed."));
      } else check(item, pointer(path, key), issues);
    }
  };
}

/** An object with known keys only; those of `required` must be there. */
export function object(
  required: Readonly<Record<string, Check>>,
  optional: Readonly<Record<string, Check>> = {},
): Check {
  return (value, path, issues) => {
    if (!isJsonObject(value)) {
      issues.push(wrongType("an object", value, path));
      return;
    }
    for (const key of Object.keys(required)) {
      if (!Object.hasOwn(value, key)) {
        issues.push(issue("missing_field", pointer(path, key), `The member "${key}" is missing.`));
      }
    }
    for (const key of Object.keys(value)) {
      const check = Object.hasOwn(required, key)
        ? required[key]
        : Object.hasOwn(optional, key)
          ? optional[key]
          : undefined;
      const item = member(value, key);
      if (!check || item === undefined) {
        issues.push(issue("unknown_field", pointer(path, key), `The policy knows no member "${key}" here.`));
      } else check(item, pointer(path, key), issues);
    }
  };
}

/** The first alternative whose kind of value fits is the one that judges. */
export function either(fits: (value: Json) => boolean, yes: Check, no: Check): Check {
  return (value, path, issues) => (fits(value) ? yes : no)(value, path, issues);
}

/** Any JSON: content that a later part of the daemon checks when it reads its own section. */
export const json: Check = () => undefined;

/** By path, then by code, in the order of code units: the same list on every machine. */
export function sortIssues(issues: readonly PolicyIssue[]): readonly PolicyIssue[] {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
  return [...issues].sort((a, b) => order(a.path, b.path) || order(a.code, b.code));
}
