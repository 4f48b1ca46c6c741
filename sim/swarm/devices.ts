/** Groups of devices as the swarm draws them: parts on a board, a policy for them, and programs that use both. */
import type { Json, JsonObject } from "../../firmware/core/json.ts";
import type { Dice } from "./dice.ts";
import { drawPrograms, type Parts, type SensorPart } from "./programs.ts";

/** A group of a scenario document, and what faults and commands of it can aim at. */
export interface DrawnGroup {
  readonly group: JsonObject;
  readonly world: JsonObject;
  readonly prefix: string;
  readonly count: number;
  /** Parts that measure: target and quantity as faults name them. */
  readonly measuring: readonly (readonly [target: string, quantity: string])[];
  readonly contacts: readonly number[];
  readonly outputs: readonly number[];
  readonly programs: readonly string[];
  /** The policy document, for releases. */
  readonly policy: JsonObject;
}

/** One part that the swarm wires, with its rows in every document. */
interface Draft {
  readonly wiring: JsonObject[];
  readonly sensors: JsonObject[];
  readonly bindings: JsonObject[];
  readonly world: Record<string, Json>;
  readonly measuring: (readonly [string, string])[];
  readonly contacts: number[];
  readonly parts: SensorPart[];
}

type AddPart = (draft: Draft, prefix: string, dice: Dice) => void;

/** A quantity that wanders between two values. */
function wandering(low: number, high: number, prefix: string, dice: Dice): JsonObject {
  const value = (): number => low + ((high - low) * dice.whole(0, 1000)) / 1000;
  const schedule = [0, 30, 70, 120].map((at) => ({ at: `${at}s`, value: value() }));
  return {
    kind: "signal",
    each: prefix,
    base: { schedule, mode: dice.pick(["step", "linear"]), repeat: "150s" },
  };
}

const reading = (name: string, uri: string, unit: string, min: number, max: number): JsonObject => ({
  name,
  uri,
  kind: "sensor_reading",
  type: "number",
  unit,
  min,
  max,
  required: true,
});

const addSht31: AddPart = (draft, prefix, dice) => {
  draft.wiring.push({
    model: "sht31",
    bus: "i2c-1",
    address: "0x44",
    reads: { t: { of: "air.value", noise: 0.03 }, rh: { of: "air.value", gain: 1, offset: 20 } },
  });
  draft.sensors.push(
    { uri: "i2c://1/0x44/temperature", driver: "sht31", min: -40, max: 85 },
    { uri: "i2c://1/0x44/humidity", driver: "sht31", unit: "%", min: 0, max: 100 },
  );
  draft.bindings.push(
    reading("air_temperature", "i2c://1/0x44/temperature", "Cel", -40, 85),
    reading("air_humidity", "i2c://1/0x44/humidity", "%", 0, 100),
  );
  draft.world.air = wandering(10, 40, prefix, dice);
  draft.measuring.push(["i2c-1/0x44", "t"], ["i2c-1/0x44", "rh"]);
  draft.parts.push(
    { name: "air_temperature", unit: "Cel", middle: 25 },
    { name: "air_humidity", unit: "%", middle: 45 },
  );
};

const addBme280: AddPart = (draft, prefix, dice) => {
  draft.wiring.push({
    model: "bme280",
    bus: "i2c-1",
    address: "0x76",
    reads: { t: { of: "room.value", noise: 0.02 } },
  });
  draft.sensors.push({ uri: "i2c://1/0x76/temperature", driver: "bme280", min: -40, max: 85 });
  draft.bindings.push(reading("room_temperature", "i2c://1/0x76/temperature", "Cel", -40, 85));
  draft.world.room = wandering(10, 40, prefix, dice);
  draft.measuring.push(["i2c-1/0x76", "t"]);
  draft.parts.push({ name: "room_temperature", unit: "Cel", middle: 25 });
};

const addAds1115: AddPart = (draft, prefix, dice) => {
  draft.wiring.push({
    model: "ads1115",
    bus: "i2c-1",
    address: "0x48",
    reads: { ain0: { of: "basin.value", gain: 2.5, offset: 0.5, noise: 0.002 } },
  });
  draft.sensors.push({
    uri: "i2c://1/0x48/ch0",
    driver: "ads1115",
    scale: 0.4,
    offset: -0.2,
    unit: "m",
    min: -0.02,
    max: 1.02,
    ...(dice.chance(0.3) ? { maxStepPerS: 0.1 } : {}),
  });
  draft.bindings.push(reading("level", "i2c://1/0x48/ch0", "m", 0, 1));
  draft.world.basin = wandering(0.1, 0.9, prefix, dice);
  draft.measuring.push(["i2c-1/0x48", "ain0"]);
  draft.parts.push({ name: "level", unit: "m", middle: 0.5 });
};

const addMcp3008: AddPart = (draft, prefix, dice) => {
  draft.wiring.push({
    model: "mcp3008",
    spi: "0.0",
    reads: { ch0: { of: "soil.value", gain: 3.3, noise: 0.003 } },
  });
  draft.sensors.push({
    uri: "spi://0.0/ch0",
    driver: "mcp3008",
    vref: 3.3,
    scale: 30.303030303,
    unit: "%",
    min: 0.5,
    max: 99.5,
  });
  draft.bindings.push(reading("moisture", "spi://0.0/ch0", "%", 0, 100));
  draft.world.soil = wandering(0.2, 0.8, prefix, dice);
  draft.measuring.push(["spi-0.0", "ch0"]);
  draft.parts.push({ name: "moisture", unit: "%", middle: 50 });
};

const SENSORS: readonly AddPart[] = [addSht31, addBme280, addAds1115, addMcp3008];
const CONTACT_LINES = [23, 24] as const;
const OUTPUT_LINES = [17, 27, 22, 5, 6] as const;
const TOPICS = ["telemetry/state", "telemetry/more", "event/seen"] as const;

function addContact(draft: Draft, line: number, prefix: string, dice: Dice): void {
  const node = `contact${line}`;
  draft.wiring.push({
    model: dice.pick(["reed", "float", "button"]),
    line,
    reads: { level: `${node}.value` },
    options: { bounce: dice.chance(0.5) },
  });
  const schedule = [0, 17, 43, 61].map((at, index) => ({
    at: `${at + dice.whole(0, 9)}s`,
    value: index % 2,
  }));
  draft.world[node] = { kind: "signal", each: prefix, base: { schedule, repeat: `${dice.whole(75, 120)}s` } };
  draft.bindings.push({ ...reading(node, `gpio://gpiochip0/${line}`, "1", 0, 1), kind: "gpio_read" });
  draft.contacts.push(line);
}

interface Drawn {
  readonly parts: Parts;
  readonly outputs: readonly JsonObject[];
  readonly wiring: readonly JsonObject[];
}

function drawOutputs(draft: Draft, dice: Dice): Drawn {
  const lines = dice.some(OUTPUT_LINES, dice.whole(1, 4));
  const outputs: JsonObject[] = lines.map((line) => ({
    name: `out${line}`,
    uri: `gpio://gpiochip0/${line}`,
    safe: dice.weighted([
      [7, 0],
      [2, 1],
      [1, "hold"],
    ]),
    risk: dice.weighted([
      [6, "low"],
      [1, "medium"],
    ]),
    durability: dice.pick(["before", "group"]),
    ...(dice.chance(0.3) ? { protective: true } : {}),
    ...(dice.chance(0.5) ? { maxTogglesPerMin: dice.pick([4, 20, 60]) } : {}),
    requires: {
      requiredKinds: ["sensor_reading"],
      maxAgeMs: dice.pick([1500, 3000, 5000]),
      ...(dice.chance(0.15) ? { minSources: 2 } : {}),
    },
  }));
  const topics: JsonObject[] = dice.some(TOPICS, dice.whole(1, 3)).map((topic) => ({
    name: `topic_${topic.split("/")[1] ?? ""}`,
    uri: `mqtt://site/imu/v1/{fleet}/{device}/${topic}`,
    safe: "hold",
    risk: "low",
    ...(dice.chance(0.3) ? { durability: "before" } : {}),
    requires: { maxAgeMs: 60_000 },
  }));
  const wiring = lines.map((line, index): JsonObject => {
    const safe = outputs[index]?.safe;
    return {
      model: dice.pick(["relay", "contactor"]),
      line,
      activeLow: dice.chance(0.25),
      ...(safe === 0 || safe === 1 ? { safe } : {}),
    };
  });
  return {
    parts: {
      sensors: draft.parts,
      contacts: draft.contacts.map((line) => `contact${line}`),
      lines: outputs.map(({ name }) => String(name)),
      topics: topics.map(({ name }) => String(name)),
    },
    outputs: [...outputs, ...topics],
    wiring,
  };
}

function policyOf(
  draft: Draft,
  drawn: Drawn,
  programs: readonly string[],
  id: string,
  dice: Dice,
): JsonObject {
  const tier = dice.weighted([
    [4, "medium"],
    [1, "high"],
  ]);
  const subjects = programs.map((name): [string, JsonObject] => [
    `program:${name}`,
    { kind: "program", tier },
  ]);
  const operator = { kind: "operator", tier: "high", keys: ["{operator}"], roles: ["admin"] };
  const write = { topic: "gpio://**", action: "write", subjects: ["program:*"], decision: "allow" };
  return {
    schema: "imu.policy/1",
    id,
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
    labels: { team: "swarm" },
    subjects: { ...Object.fromEntries(subjects), "operator:{operator}": operator },
    decisions: {
      noRule: "block",
      lowTrust: "block",
      rules: [
        { id: "run-programs", topic: "program://*", action: "invoke", decision: "allow" },
        { id: "read", topic: ["i2c://**", "spi://**", "gpio://**"], action: "read", decision: "allow" },
        { id: "drive", ...write, ...(dice.chance(0.2) ? { maxRatePerMin: 30 } : {}) },
        { id: "publish", topic: "mqtt://site/**", action: "publish", decision: "allow" },
        { id: "values", topic: ["kv://**", "shared://**"], action: "*", decision: "allow" },
      ],
    },
    bindings: draft.bindings,
    outputs: drawn.outputs,
    ...(dice.chance(0.2) ? { limits: { cpuSteps: 5000, memKb: 64 } } : {}),
    phi: { epsilon: 0.00002 },
    network: { brokers: ["site"], denyHosts: [] },
  };
}

/** Parts of a board's header that never clash, a policy over them, and one to four programs. */
export function drawGroup(prefix: string, count: number, dice: Dice): DrawnGroup {
  const draft: Draft = {
    wiring: [],
    sensors: [],
    bindings: [],
    world: {},
    measuring: [],
    contacts: [],
    parts: [],
  };
  for (const add of dice.some(SENSORS, dice.whole(1, 3))) add(draft, prefix, dice);
  for (const line of dice.some(CONTACT_LINES, dice.whole(0, 2))) addContact(draft, line, prefix, dice);
  const drawn = drawOutputs(draft, dice);
  const programs = drawPrograms(drawn.parts, dice.whole(1, 4), dice);
  const names = programs.map(({ name }) => name);
  const policy = policyOf(draft, drawn, names, `swarm-${prefix.slice(0, -1)}`, dice);
  return {
    prefix,
    count,
    policy,
    programs: names,
    world: draft.world,
    measuring: draft.measuring,
    contacts: draft.contacts,
    outputs: drawn.wiring.map(({ line }) => Number(line)),
    group: {
      prefix,
      count,
      policy,
      programs: programs.map(({ document }) => document),
      wiring: [...draft.wiring, ...drawn.wiring],
      sensors: draft.sensors,
      ...drawBoard(dice),
    },
  };
}

/** What is drawn alike for groups of every kind. */
export function drawBoard(dice: Dice): JsonObject {
  const holdMs = dice.whole(5, 20) * 1000;
  return {
    board: dice.pick([
      "raspberry-pi-4",
      "raspberry-pi-4",
      "raspberry-pi-5",
      "raspberry-pi-zero-2-w",
      "raspberry-pi-3",
    ]),
    rtc: dice.chance(0.3),
    ...(dice.chance(0.2) ? { cpuFactor: dice.whole(2, 20) } : {}),
    config: {
      clock: {
        trust: dice.weighted([
          [4, "system"],
          [1, "ntp"],
        ]),
      },
      groupCommitMs: dice.pick([0, 20, 20, 100]),
      vm: {
        maxRuns: dice.pick([1, 4, 8]),
        executor: dice.weighted([
          [4, "tiered"],
          [2, "interpreter"],
          [2, "compiled"],
        ]),
      },
      gossip: { minIntervalMs: dice.pick([500, 1000]) },
      ota: { holdMs, minRuns: 2, maxRuns: 20, guardMs: dice.whole(1, 20) * 1000, evaluateMs: 1000 },
    },
  };
}
