/** The fleets that are simulated, as scenario documents with their policies and programs inside. */
import type { JsonObject } from "../../../firmware/core/json.ts";

export type ProgramName = "none" | "control" | "tank";

const CONTROL_CODE = [
  { op: "CAP", name: "gpio.read", args: { input: "float" } },
  { op: "STORE", reg: "tmp" },
  { op: "GETK", oid: "reg:tmp", key: "value" },
  { op: "STORE", reg: "full" },
  { op: "LOAD", reg: "full" },
  { op: "PUSH", value: 1 },
  { op: "EQ" },
  { op: "JNZ", label: "off" },
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
  { op: "POP" },
  { op: "HALT" },
  { op: "LABEL", name: "off" },
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 0 } },
  { op: "POP" },
  { op: "HALT" },
];

/** The program of `examples/tank`: pumps below 0.6 m, stops above 0.8 m or when the float is up, publishes the level. */
const TANK_CODE = [
  { op: "CAP", name: "sensor.read", args: { input: "level" } },
  { op: "STORE", reg: "tmp" },
  { op: "GETK", oid: "reg:tmp", key: "value" },
  { op: "PUSH", value: 0 },
  { op: "ADD" },
  { op: "STORE", reg: "level" },
  { op: "CAP", name: "gpio.read", args: { input: "float" } },
  { op: "STORE", reg: "tmp" },
  { op: "GETK", oid: "reg:tmp", key: "value" },
  { op: "STORE", reg: "full" },
  { op: "LOAD", reg: "full" },
  { op: "PUSH", value: 1 },
  { op: "EQ" },
  { op: "JNZ", label: "off" },
  { op: "LOAD", reg: "level" },
  { op: "PUSH", value: 0.8 },
  { op: "GT" },
  { op: "JZ", label: "low" },
  { op: "LABEL", name: "off" },
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 0 } },
  { op: "POP" },
  { op: "JUMP", label: "tell" },
  { op: "LABEL", name: "low" },
  { op: "LOAD", reg: "level" },
  { op: "PUSH", value: 0.6 },
  { op: "LT" },
  { op: "JZ", label: "tell" },
  { op: "CAP", name: "gpio.write", args: { output: "pump", value: 1 } },
  { op: "POP" },
  { op: "LABEL", name: "tell" },
  {
    op: "CAP",
    name: "mqtt.publish",
    args: { output: "telemetry_tank", payload: { level: "reg:level", full: "reg:full" }, qos: 1 },
  },
  { op: "POP" },
  { op: "HALT" },
];

const program = (name: string, capabilities: string[], outputs: string[], code: object[]): JsonObject =>
  ({
    format: "imu.program/1",
    name,
    version: "1.0.0",
    isa: 1,
    capabilities,
    outputs,
    triggers: [{ on: "interval", everyMs: 1000 }],
    limits: { cpuSteps: 1000, memKb: 32, ioCalls: 6, wallMs: 1000 },
    code,
  }) as JsonObject;

/** Each runs once a second. */
const PROGRAMS: Readonly<Record<ProgramName, readonly JsonObject[]>> = {
  none: [],
  control: [program("fill", ["gpio.read", "gpio.write"], ["pump"], CONTROL_CODE)],
  tank: [
    program(
      "fill",
      ["sensor.read", "gpio.read", "gpio.write", "mqtt.publish"],
      ["pump", "telemetry_tank"],
      TANK_CODE,
    ),
  ],
};

const binding = (name: string, uri: string, kind: string, unit: string): JsonObject => ({
  name,
  uri,
  kind,
  type: "number",
  unit,
  min: 0,
  max: 1,
  required: true,
});

/** `tank` demands both witnesses and records its intent before it acts; `control` demands the float. */
function policy(name: ProgramName): JsonObject {
  const kinds = name === "tank" ? ["sensor_reading", "gpio_read"] : ["gpio_read"];
  return {
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
    subjects: {
      "program:fill": { kind: "program", tier: "medium" },
      "operator:{operator}": { kind: "operator", tier: "high", keys: ["{operator}"], roles: ["admin"] },
    },
    decisions: {
      noRule: "block",
      lowTrust: "block",
      rules: [
        { id: "run", topic: "program://*", action: "invoke", subjects: ["program:*"], decision: "allow" },
        { id: "read", topic: ["i2c://**", "gpio://**"], action: "read", decision: "allow" },
        {
          id: "drive",
          topic: "gpio://gpiochip0/17",
          action: "write",
          subjects: ["program:fill"],
          decision: "allow",
          minTrust: "medium",
        },
        { id: "publish", topic: "mqtt://site/**", action: "publish", decision: "allow" },
      ],
    },
    bindings: [
      binding("level", "i2c://1/0x48/ch0", "sensor_reading", "m"),
      binding("float", "gpio://gpiochip0/23", "gpio_read", "1"),
    ],
    outputs: [
      {
        name: "pump",
        uri: "gpio://gpiochip0/17",
        safe: 0,
        risk: "low",
        ...(name === "tank" ? { durability: "before" } : {}),
        maxTogglesPerMin: 20,
        requires: { requiredKinds: kinds, maxAgeMs: 5000 },
      },
      {
        name: "telemetry_tank",
        uri: "mqtt://site/imu/v1/{fleet}/{device}/telemetry/tank",
        safe: "hold",
        risk: "low",
        requires: { requiredKinds: ["sensor_reading"] },
      },
    ],
    phi: { epsilon: 0.00002 },
    network: { brokers: ["site"], denyHosts: [] },
  } as JsonObject;
}

const WIRING = [
  { model: "relay", line: 17, drives: "tank.pump", safe: "off" },
  { model: "float", line: 23, reads: { level: { of: "tank.level", offset: -0.4 } } },
  {
    model: "ads1115",
    bus: "i2c-1",
    address: 0x48,
    reads: { ain0: { of: "tank.level", gain: 2.5, offset: 0.5, noise: 0.002 } },
  },
];

const SENSORS = [
  {
    uri: "i2c://1/0x48/ch0",
    driver: "ads1115",
    scale: 0.4,
    offset: -0.2,
    unit: "m",
    min: -0.02,
    max: 1.02,
    maxStepPerS: 0.1,
  },
];

/** A tank at every device, filled by its pump faster than it empties. */
const WORLD = {
  tank: {
    kind: "tank",
    each: "tank-",
    level: 0.4,
    height: 1,
    area: 0.5,
    qIn: 0.01,
    qOut: 0.004,
    valve: 0.5,
  },
};

/** @param name what every device runs once a second. All devices are of one fleet and gossip with each other. */
export function scenarioText(name: ProgramName, devices: number): string {
  const isIdle = name === "none";
  return JSON.stringify({
    name: `bench-${name}-${devices}`,
    seed: 1,
    duration: "1000h",
    fleet: { id: "water", root: "sim", operators: [{ id: "op-1", scopes: ["command", "deploy"] }] },
    devices: [
      {
        prefix: "tank-",
        count: devices,
        board: "raspberry-pi-4",
        policy: policy(name),
        programs: PROGRAMS[name],
        config: { clock: { trust: "system" } },
        ...(isIdle ? {} : { wiring: WIRING, sensors: SENSORS }),
      },
    ],
    ...(isIdle ? {} : { world: WORLD }),
    bounds: { events: 1_000_000_000, hostTime: "24h" },
    expect: [{ never: { event: "safe_mode_enter" } }],
  });
}
