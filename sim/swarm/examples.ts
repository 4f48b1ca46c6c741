/** The example sites as groups of the swarm: their own policies and programs, with less of the world around them. */
import type { JsonObject } from "../../firmware/core/json.ts";
import { type DrawnGroup, drawBoard } from "./devices.ts";
import type { Dice } from "./dice.ts";

/** Documents of the folder `examples`, read beforehand: by site. */
export type Examples = Readonly<
  Record<ExampleSite, { readonly policy: JsonObject; readonly programs: readonly JsonObject[] }>
>;

export const EXAMPLE_SITES = ["tank", "cold-room", "greenhouse"] as const;
export type ExampleSite = (typeof EXAMPLE_SITES)[number];

interface Site {
  readonly world: (prefix: string, dice: Dice) => JsonObject;
  readonly wiring: readonly JsonObject[];
  readonly sensors: readonly JsonObject[];
  readonly measuring: DrawnGroup["measuring"];
  readonly contacts: readonly number[];
  readonly outputs: readonly number[];
}

const door = (prefix: string, dice: Dice): JsonObject => {
  const at = dice.whole(20, 90);
  const schedule = [
    { at: 0, value: 0 },
    { at: `${at}s`, value: 1 },
    { at: `${at + dice.whole(3, 40)}s`, value: 0 },
  ];
  return { kind: "door", each: prefix, base: { schedule, repeat: "3m" } };
};

const SITES: Readonly<Record<ExampleSite, Site>> = {
  tank: {
    world: (prefix, dice) => ({
      tank1: {
        kind: "tank",
        each: prefix,
        level: dice.whole(20, 85) / 100,
        height: 1,
        area: 0.5,
        qIn: 0.01,
        qOut: 0.004,
        valve: 0.5,
      },
    }),
    wiring: [
      { model: "relay", line: 17, drives: "tank1.pump", safe: "off" },
      { model: "float", line: 23, reads: { level: { of: "tank1.level", offset: -0.4 } } },
      {
        model: "ads1115",
        bus: "i2c-1",
        address: "0x48",
        reads: { ain0: { of: "tank1.level", gain: 2.5, offset: 0.5, noise: 0.002 } },
      },
    ],
    sensors: [
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
    ],
    measuring: [["i2c-1/0x48", "ain0"]],
    contacts: [23],
    outputs: [17],
  },
  "cold-room": {
    world: (prefix, dice) => ({
      gate: door(prefix, dice),
      cold: {
        kind: "room",
        each: prefix,
        t: dice.whole(2, 9),
        C: 40_000,
        G: 20,
        P: -2500,
        Gvent: 60,
        ambient: 24,
        ambientRh: 60,
        vent: { of: "gate.open" },
      },
    }),
    wiring: [
      { model: "contactor", line: 17, drives: { of: "cold.heater", delay: "2s" }, safe: "off" },
      { model: "reed", line: 23, reads: { level: "gate.open" } },
      {
        model: "sht31",
        bus: "i2c-1",
        address: "0x44",
        reads: { t: { of: "cold.t", noise: 0.03 }, rh: { of: "cold.rh", noise: 0.3 } },
      },
    ],
    sensors: [
      { uri: "i2c://1/0x44/temperature", driver: "sht31", min: -40, max: 60, maxStepPerS: 2 },
      { uri: "i2c://1/0x44/humidity", driver: "sht31", unit: "%", min: 0, max: 100 },
    ],
    measuring: [
      ["i2c-1/0x44", "t"],
      ["i2c-1/0x44", "rh"],
    ],
    contacts: [23],
    outputs: [17],
  },
  greenhouse: {
    world: (prefix, dice) => ({
      hatch: door(prefix, dice),
      house: {
        kind: "room",
        each: prefix,
        t: dice.whole(18, 34),
        C: 20_000,
        G: 60,
        Gvent: 400,
        ambient: 18,
        ambientRh: 45,
        gain: 900,
        vent: { of: "hatch.open", gain: 0.25 },
      },
      bed: {
        kind: "tank",
        each: prefix,
        level: dice.whole(30, 48) / 100,
        height: 1,
        area: 1,
        qIn: 0.002,
        leak: 0.0003,
      },
    }),
    wiring: [
      { model: "relay", line: 17, drives: "house.vent", safe: "off" },
      { model: "relay", line: 27, drives: "bed.pump", safe: "off" },
      { model: "reed", line: 23, reads: { level: "hatch.open" } },
      {
        model: "bme280",
        bus: "i2c-1",
        address: "0x76",
        reads: { t: { of: "house.t", noise: 0.02 }, rh: "house.rh" },
      },
      { model: "mcp3008", spi: "0.0", reads: { ch0: { of: "bed.level", gain: 3.3, noise: 0.003 } } },
      { model: "gps", serial: "ttyAMA0" },
    ],
    sensors: [
      { uri: "i2c://1/0x76/temperature", driver: "bme280", min: -40, max: 85 },
      { uri: "i2c://1/0x76/humidity", driver: "bme280", unit: "%", min: 0, max: 100 },
      {
        uri: "spi://0.0/ch0",
        driver: "mcp3008",
        vref: 3.3,
        scale: 30.303030303,
        unit: "%",
        min: 0.5,
        max: 99.5,
      },
      { uri: "serial://ttyAMA0/latitude", driver: "nmea", baudRate: 9600 },
    ],
    measuring: [
      ["i2c-1/0x76", "t"],
      ["i2c-1/0x76", "rh"],
      ["spi-0.0", "ch0"],
    ],
    contacts: [23],
    outputs: [17, 27],
  },
};

export function exampleGroup(
  site: ExampleSite,
  prefix: string,
  count: number,
  examples: Examples,
  dice: Dice,
): DrawnGroup {
  const { wiring, sensors, measuring, contacts, outputs, world } = SITES[site];
  const { policy, programs } = examples[site];
  return {
    prefix,
    count,
    policy,
    world: world(prefix, dice),
    measuring,
    contacts,
    outputs,
    programs: programs.map(({ name }) => String(name)),
    group: { prefix, count, policy, programs: [...programs], wiring, sensors, ...drawBoard(dice) },
  };
}
