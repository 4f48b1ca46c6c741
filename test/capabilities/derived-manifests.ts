/** Manifests of derived capabilities for tests, and what their steps call. */
import type { StepFacts, StepLookup } from "../../firmware/capabilities/index.ts";
import type { Json, JsonObject } from "../../firmware/core/json.ts";

const facts = (over: Partial<StepFacts>): StepFacts => ({
  class: "read",
  costMilli: 200,
  resources: [],
  derived: false,
  ...over,
});

const KNOWN: ReadonlyMap<string, StepFacts> = new Map([
  ["gpio.read", facts({ resources: ["gpio:{chip}"] })],
  ["gpio.write", facts({ class: "effect", costMilli: 500 })],
  ["clock.now", facts({ class: "local", costMilli: 100 })],
  ["i2c.scan", facts({ class: "control" })],
  ["board.other", facts({ derived: true })],
]);
export const lookup: StepLookup = (id) => KNOWN.get(id) ?? null;

export const PARAMS: JsonObject = {
  type: "object",
  additionalProperties: false,
  required: ["output"],
  properties: {
    output: { type: "string", maxLength: 64 },
    value: { type: "integer", minimum: 0, maximum: 1, default: 1 },
    note: { type: "string", maxLength: 32 },
  },
};

/** Reads the door, then sets the output to the value that was read. */
export const manifest = (over: Readonly<Record<string, Json>> = {}): JsonObject => ({
  format: "imu.capability/1",
  id: "board.follow",
  version: "1.0.0",
  title: "Follow the door",
  aliases: [],
  params: PARAMS,
  positional: ["output"],
  result: {
    type: "object",
    additionalProperties: false,
    required: ["was", "is"],
    properties: {
      was: { type: "integer", minimum: 0, maximum: 1 },
      is: { type: "integer", minimum: 0, maximum: 1 },
    },
  },
  topic: "output:{output}",
  action: "write",
  evidence: [],
  exclusive: null,
  rate: { rps: 10, burst: 5 },
  timeoutMs: 1000,
  maxResultBytes: 64,
  idempotent: false,
  errors: [],
  steps: [
    { as: "door", call: "gpio.read", args: { input: "door" } },
    {
      as: "set",
      call: "gpio.write",
      args: { output: { param: "output" }, value: { step: "door", pointer: "/value" } },
    },
  ],
  returns: { was: { step: "door", pointer: "/value" }, is: { step: "set", pointer: "/value" } },
  examples: [
    {
      args: { output: "pump" },
      calls: [
        { call: "gpio.read", args: { input: "door" } },
        { call: "gpio.write", args: { output: "pump", value: { step: "door", pointer: "/value" } } },
      ],
    },
  ],
  ...over,
});

/** A manifest of one call of `gpio.write` with these arguments, and no examples that could disagree. */
export const templates = (args: Json, over: Readonly<Record<string, Json>> = {}): JsonObject => ({
  id: "board.one",
  params: PARAMS,
  steps: [{ as: "one", call: "gpio.write", args }],
  returns: { output: { param: "output" } },
  ...over,
});

/** `levels` arrays around a number. */
export const nested = (levels: number): Json => {
  let value: Json = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
};
