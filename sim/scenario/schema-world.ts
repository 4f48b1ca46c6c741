/** Nodes of the world in a scenario file: one alternative for each kind, from the table of kinds. */
import { NODE_KINDS } from "../world/nodes/kinds.ts";
import type { NodeKind } from "../world/nodes/node.ts";
import { DURATION_SCHEMA } from "./member.ts";

export const NODE_NAME = "^[A-Za-z][A-Za-z0-9_]{0,39}$";
/** `tank1.level`; `@pump-001` behind the node names the one of that device. */
export const QUANTITY_NAME = "^[A-Za-z][A-Za-z0-9_]{0,39}(@[A-Za-z0-9-]{1,40})?\\.[A-Za-z][A-Za-z0-9]{0,39}$";

const number = { type: "number" };
const SCHEDULE = {
  type: "array",
  minItems: 1,
  maxItems: 100000,
  items: {
    type: "object",
    additionalProperties: false,
    required: ["at", "value"],
    properties: { at: DURATION_SCHEMA, value: number },
  },
};

const DRIVEN = { $ref: "#/$defs/driven" };

/** A number, `{of: sun.lux, gain, offset}` or `{schedule: [{at, value}], mode, repeat}`. */
export const WORLD_DEFINITIONS = {
  driven: {
    type: ["number", "object"],
    additionalProperties: false,
    properties: {
      of: { type: "string", pattern: QUANTITY_NAME },
      gain: number,
      offset: number,
      schedule: SCHEDULE,
      mode: { enum: ["step", "linear"], default: "step" },
      repeat: DURATION_SCHEMA,
    },
  },
};

function nodeSchema(name: string, { values, drivable }: NodeKind): object {
  const members = [...new Set([...Object.keys(values), ...drivable])];
  return {
    type: "object",
    additionalProperties: false,
    required: ["kind", ...members.filter((member) => values[member] === null)],
    properties: {
      kind: { const: name },
      each: {
        type: "string",
        minLength: 1,
        maxLength: 40,
        description: "prefix of a group: every device of it has a node of its own",
      },
      ...Object.fromEntries(members.map((member) => [member, drivable.includes(member) ? DRIVEN : number])),
    },
  };
}

export const WORLD_SCHEMA = {
  type: "object",
  maxProperties: 1000,
  propertyNames: { pattern: NODE_NAME },
  additionalProperties: {
    type: "object",
    required: ["kind"],
    discriminator: { propertyName: "kind" },
    oneOf: Object.entries(NODE_KINDS).map(([name, kind]) => nodeSchema(name, kind)),
  },
};
