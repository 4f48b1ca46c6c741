/** Groups of devices in a scenario file: board, documents, the knobs of imud.yaml, and what is wired to what. */
import { DURATION_SCHEMA } from "./member.ts";
import { QUANTITY_NAME } from "./schema-world.ts";

const text = (maxLength: number) => ({ type: "string", minLength: 1, maxLength });
const number = { type: "number" };
const quantityName = { type: "string", pattern: QUANTITY_NAME };
const bias = { enum: ["none", "pull-up", "pull-down"] };
const closed = (properties: object, required: readonly string[] = []) => ({
  type: "object",
  additionalProperties: false,
  required,
  properties,
});
const whole = (minimum: number, maximum: number) => ({ type: "integer", minimum, maximum });

/** As `sensors` of imud.yaml. */
const SENSOR = closed(
  {
    uri: { type: "string", pattern: "^(i2c|spi|serial|gpio)://[A-Za-z0-9._/-]+$", maxLength: 128 },
    driver: { enum: ["bme280", "sht31", "ads1115", "mcp3008", "nmea", "switch"] },
    quantity: text(32),
    unit: text(16),
    scale: number,
    offset: number,
    min: number,
    max: number,
    maxStepPerS: { type: "number", exclusiveMinimum: 0 },
    frozenAfterMs: { type: "integer", minimum: 1 },
    vref: { type: "number", exclusiveMinimum: 0, maximum: 24 },
    baudRate: whole(300, 4000000),
    activeLow: { type: "boolean" },
    bias,
  },
  ["uri", "driver"],
);

/** As `lines` of imud.yaml. */
const LINE = closed(
  {
    uri: { type: "string", pattern: "^gpio://[a-z0-9-]+/[0-9]+$", maxLength: 64 },
    activeLow: { type: "boolean" },
    bias,
    debounceMs: whole(0, 1000),
  },
  ["uri"],
);

/** Of imud.yaml, what changes how a device behaves in a simulation. */
const CONFIG = closed({
  groupCommitMs: whole(0, 1000),
  gossip: closed({ minIntervalMs: whole(100, 60000) }),
  ledger: closed({
    maxBytes: whole(1048576, 1099511627776),
    maxDays: whole(1, 36500),
    minDays: whole(0, 36500),
    leafDays: whole(0, 36500),
    quorum: whole(0, 16),
  }),
  ota: closed({
    holdMs: whole(0, 86400000),
    minRuns: whole(1, 200),
    maxRuns: whole(1, 200),
    guardMs: whole(0, 86400000),
    evaluateMs: whole(100, 600000),
  }),
  vm: closed({ maxRuns: whole(1, 16), executor: { enum: ["tiered", "interpreter", "compiled"] } }),
  clock: closed({ trust: { enum: ["ntp", "system"] } }),
  logLevel: { enum: ["debug", "info", "warn", "error", "silent"] },
});

/** What a part measures: a quantity, or one scaled into the unit of the part, late and noisy. */
const READ = {
  type: ["string", "object"],
  pattern: QUANTITY_NAME,
  additionalProperties: false,
  required: ["of"],
  properties: {
    of: quantityName,
    gain: number,
    offset: number,
    delay: DURATION_SCHEMA,
    noise: { type: "number", minimum: 0, description: "sigma in the unit of the part" },
  },
};

/** What an actuator moves: an input, or one with a gain and a delay. */
const DRIVE = {
  type: ["string", "object"],
  pattern: QUANTITY_NAME,
  additionalProperties: false,
  required: ["of"],
  properties: { of: quantityName, gain: number, delay: DURATION_SCHEMA },
};

const WIRE = closed(
  {
    model: text(32),
    line: { type: "integer", minimum: 0, maximum: 1023 },
    bus: { type: "string", pattern: "^i2c-[0-9]{1,3}$" },
    address: { type: ["integer", "string"], minimum: 1, maximum: 247, pattern: "^0x[0-9a-f]{2}$" },
    spi: { type: "string", pattern: "^[0-9]{1,2}\\.[0-9]{1,2}$", description: "bus.chipSelect" },
    serial: text(64),
    drives: DRIVE,
    reads: { type: "object", maxProperties: 64, additionalProperties: READ },
    activeLow: { type: "boolean", default: false },
    safe: { enum: ["on", "off", 0, 1, true, false] },
    loadMa: { type: "number", minimum: 0 },
    options: {
      type: "object",
      maxProperties: 16,
      additionalProperties: { type: ["number", "string", "boolean"] },
    },
  },
  ["model"],
);

const path = text(1024);

export const DEVICE_SCHEMA = closed(
  {
    prefix: { type: "string", pattern: "^[a-z0-9][a-z0-9-]{0,31}$" },
    count: { type: "integer", minimum: 1, maximum: 1000, default: 1 },
    board: text(64),
    policy: {
      type: ["string", "object"],
      minLength: 1,
      maxLength: 1024,
      description: "path from the scenario's folder, or the document",
    },
    programs: { type: "array", maxItems: 256, items: { ...path, type: ["string", "object"] } },
    sensors: { type: "array", maxItems: 256, items: SENSOR, description: "default: from the wiring" },
    lines: { type: "array", maxItems: 256, items: LINE, description: "default: from the wiring" },
    config: CONFIG,
    ppm: { ...whole(-1000, 1000), description: "of the oscillator; default: drawn" },
    rtc: { type: "boolean", default: false },
    cpuFactor: { type: "number", exclusiveMinimum: 0, maximum: 1000, default: 1 },
    wiring: { type: "array", maxItems: 256, items: WIRE },
  },
  ["prefix", "board", "policy"],
);
