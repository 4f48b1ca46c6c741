/** The shape of a scenario file as JSON Schema 2020-12 (simulator.md 10). Unknown members are refused. */
import { SCENARIO_LIMITS } from "../../firmware/core/limits.ts";
import { ATTACKS, DEEDS, FAULTS } from "./acts.ts";
import { ACT_DEFINITIONS, actSchemas, DEVICES_SCHEMA as DEVICES, DURATION_SCHEMA } from "./member.ts";
import { DEVICE_SCHEMA } from "./schema-device.ts";
import { WORLD_DEFINITIONS, WORLD_SCHEMA } from "./schema-world.ts";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const closed = (properties: object, required: readonly string[] = []) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const share = { type: "number", minimum: 0, maximum: 1 };
const count = { type: "integer", minimum: 0 };

const CONDITION = { $ref: "#/$defs/condition" };

/** When: once at a time, every so often, or whenever a condition becomes true. */
const WHEN = {
  at: DURATION_SCHEMA,
  every: DURATION_SCHEMA,
  from: DURATION_SCHEMA,
  until: DURATION_SCHEMA,
  when: CONDITION,
};

const alternatives = (key: string, table: Parameters<typeof actSchemas>[1]) => ({
  type: "object",
  required: [key],
  discriminator: { propertyName: key },
  oneOf: actSchemas(key, table, WHEN),
});

const FLEET = closed(
  {
    id: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,39}$" },
    root: { const: "sim", description: "keys of simulations only" },
    operators: {
      type: "array",
      maxItems: 16,
      items: closed({ id: text(64), scopes: { type: "array", minItems: 1, maxItems: 16, items: text(64) } }, [
        "id",
        "scopes",
      ]),
    },
  },
  ["id"],
);

const BROKER = closed({
  version: { enum: [3, 4, 5, "3.1.1"], default: 5 },
  volatile: {
    type: "boolean",
    default: false,
    description: "loses sessions and retained messages in a restart",
  },
  packetBytes: count,
  queueMessages: count,
  connectionsPerS: count,
});

const LINK = closed({
  mode: { enum: ["faithful", "hostile"], default: "faithful" },
  minUs: { ...count, default: 5000 },
  spreadUs: { ...count, default: 20000 },
  tailP: { ...share, default: 0 },
  tailUs: { ...count, default: 0 },
  loss: { ...share, default: 0 },
  duplicate: { ...share, default: 0 },
  resetP: { ...share, default: 0 },
  bytesPerS: { type: "integer", minimum: 1 },
});

const ADVERSARY = closed(
  {
    id: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,39}$" },
    key: {
      type: "string",
      pattern: "^(own|none|device:[A-Za-z0-9-]+|operator:[A-Za-z0-9-]+)$",
      default: "own",
      description: "a key of its own, none, or a stolen one",
    },
    script: { type: "array", minItems: 1, maxItems: 1000, items: alternatives("send", ATTACKS) },
  },
  ["id", "script"],
);

const EXPECTATION = closed({
  always: CONDITION,
  eventually: CONDITION,
  by: DURATION_SCHEMA,
  that: CONDITION,
  never: closed({ event: text(64), device: DEVICES }, ["event"]),
  count: closed({ event: text(64), device: DEVICES, atLeast: count, atMost: count }, ["event"]),
  from: DURATION_SCHEMA,
  until: DURATION_SCHEMA,
});

const GRID = {
  type: "object",
  minProperties: 1,
  additionalProperties: {
    type: "array",
    minItems: 1,
    maxItems: 1000,
    items: { type: ["number", "string", "boolean"] },
  },
};

export const SCENARIO_SCHEMA = {
  type: "object",
  additionalProperties: false,
  required: ["name", "duration", "devices", "expect"],
  $defs: { ...ACT_DEFINITIONS, ...WORLD_DEFINITIONS, condition: text(SCENARIO_LIMITS.expressionCharacters) },
  properties: {
    name: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,63}$" },
    description: text(2000),
    seed: { type: ["integer", "string"], minimum: 0, minLength: 1, maxLength: 64, default: 1 },
    duration: { ...DURATION_SCHEMA, description: "integer ms, or text with us, ms, s, m, h or d" },
    order: { enum: ["fifo", "random"], default: "random" },
    worldStep: { ...DURATION_SCHEMA, default: "100ms" },
    fleet: FLEET,
    broker: BROKER,
    devices: { type: "array", minItems: 1, maxItems: 100, items: DEVICE_SCHEMA },
    world: WORLD_SCHEMA,
    link: LINK,
    adversaries: { type: "array", maxItems: 16, items: ADVERSARY },
    timeline: {
      type: "array",
      maxItems: 10000,
      items: {
        type: "object",
        if: { required: ["fault"] },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
        then: alternatives("fault", FAULTS),
        else: alternatives("do", DEEDS),
      },
    },
    expect: { type: "array", minItems: 1, maxItems: 1000, items: EXPECTATION },
    bounds: closed({
      convergence: { ...DURATION_SCHEMA, default: "60s" },
      events: { type: "integer", minimum: 1, default: 100000000 },
      hostTime: { ...DURATION_SCHEMA, default: "10m" },
      cutRuns: { type: "integer", minimum: 1, default: 2000 },
    }),
    vary: { ...GRID, type: ["object", "array"], minItems: 1, maxItems: 100, items: GRID },
  },
};
