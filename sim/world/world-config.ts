import { CodedError } from "../../firmware/core/errors.ts";
import type { Drive } from "./drive.ts";
import { NODE_KINDS, type NodeKindName } from "./nodes/kinds.ts";
import type { NodeKind, NodeValues } from "./nodes/node.ts";

export interface WorldNodeConfig {
  readonly name: string;
  readonly kind: NodeKindName;
  /** Numbers by name; what is left out has its default. */
  readonly values: NodeValues;
  /** What drives parameters and inputs, by their names. */
  readonly drives: Readonly<Record<string, Drive>>;
}

export interface WorldConfig {
  /** Length of a step in µs; default 100 ms (simulator.md 6). */
  readonly stepUs: number;
  /** In the order in which they are computed. */
  readonly nodes: readonly WorldNodeConfig[];
}

export const DEFAULT_STEP_US = 100_000;

/** Whether a kind has a cell of this name, without making one. */
export function hasField(kind: NodeKindName, field: string): boolean {
  const { values, fields }: NodeKind = NODE_KINDS[kind];
  return Object.hasOwn(values, field) || fields.includes(field);
}

/** Whether an actuator may drive this cell of a kind. */
export function isDrivable(kind: NodeKindName, field: string): boolean {
  const { drivable }: NodeKind = NODE_KINDS[kind];
  return drivable.includes(field);
}

export const worldProblem = (why: string, details: Readonly<Record<string, string>>): CodedError =>
  new CodedError("bad_args", `World: ${why}.`, { status: 422, details: { why, ...details } });

/** The node's numbers with its kind's defaults. @throws CodedError `bad_args` for a number that must be given. */
export function completeValues({ name, kind, values }: WorldNodeConfig): NodeValues {
  const known: NodeKind["values"] = NODE_KINDS[kind].values;
  for (const given of Object.keys(values))
    if (!Object.hasOwn(known, given)) throw worldProblem(`${kind} has no ${given}`, { node: name });
  return Object.fromEntries(
    Object.entries(known).map(([key, fallback]) => {
      const value = values[key] ?? fallback;
      if (value === null) throw worldProblem(`${kind} needs ${key}`, { node: name });
      return [key, value];
    }),
  );
}
