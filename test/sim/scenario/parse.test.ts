import { describe, expect, test } from "vitest";
import { documentText } from "../../../sim/scenario/document-text.ts";
import { readScenario } from "../../../sim/scenario/parse-scenario.ts";
import { World } from "../../../sim/world/world.ts";
import { EXAMPLE, minimal, parse, refusalOf } from "./support.ts";

const MINUTE = 60_000_000;

describe("the example of the specification", () => {
  const scenario = parse(EXAMPLE);

  test("is read with its durations in µs and its devices by their ids", () => {
    expect(scenario).toMatchObject({ seeds: ["42"], durationUs: 120 * MINUTE, order: "random" });
    expect(scenario.groups).toMatchObject([
      { ids: ["pump-001", "pump-002", "pump-003"], board: "raspberry-pi-4", ppm: 40, rtc: false },
    ]);
    expect(scenario.timeline.map(({ act }) => act)).toEqual([
      {
        fault: "partition",
        groups: [["pump-001"], ["pump-002", "pump-003", "broker"]],
        forUs: 20 * MINUTE,
      },
      {
        fault: "cut",
        devices: ["pump-001"],
        label: "store.batch",
        nth: 3,
        step: null,
        point: "during",
        offMs: 30_000,
        torn: null,
      },
      expect.objectContaining({ fault: "sensor", devices: ["pump-002"], kind: "stuck", forUs: null }),
      expect.objectContaining({ do: "publish", as: "op-1", command: { name: "status.get" }, devices: null }),
      expect.objectContaining({ do: "ota", targets: "policies/pump-v2.yaml", signers: ["op-1"] }),
    ]);
    expect(scenario.timeline.map(({ when }) => when)).toEqual([
      { kind: "at", atUs: 10 * MINUTE },
      { kind: "at", atUs: 15 * MINUTE },
      { kind: "at", atUs: 20 * MINUTE },
      { kind: "every", everyUs: MINUTE, fromUs: MINUTE, untilUs: 120 * MINUTE },
      { kind: "at", atUs: 40 * MINUTE },
    ]);
    expect(scenario.expect.map(({ kind }) => kind)).toEqual(["always", "by", "never"]);
  });

  test("is wired as it says", () => {
    expect(scenario.groups[0]?.wiring).toMatchObject([
      { model: "relay", target: "gpio-17", drives: { of: "tank1.pump", gain: 1 }, activeLow: true, safe: 0 },
      { model: "sht31", target: "i2c-1/0x44", reads: { t: { of: "room1.t" }, rh: { of: "room1.rh" } } },
      {
        model: "ads1115",
        reads: { ain0: { of: "tank1.level", gain: 2.5, offset: 0.5, delayUs: 0, noise: 0 } },
      },
    ]);
  });

  test("gives imud.yaml the channels and lines of its wiring", () => {
    const [group] = scenario.groups;
    expect(group?.sensors).toEqual([
      { uri: "i2c://1/0x44/temperature", driver: "sht31" },
      { uri: "i2c://1/0x44/humidity", driver: "sht31" },
      { uri: "i2c://1/0x48/ch0", driver: "ads1115" },
    ]);
    expect(group?.lines).toEqual([
      { uri: "gpio://gpiochip0/17", activeLow: true, bias: "none", debounceMs: 0 },
    ]);
    expect(scenario.warnings).toEqual([]);
  });

  test("has a world that can be made", () => {
    const world = new World("42", scenario.world);
    world.advanceTo(MINUTE);
    expect(world.get("tank1.level")).toBe(0.4);
    expect(world.get("room1.t")).toBeLessThan(20);
  });

  test("is the same as JSON, and written anew", () => {
    const json = JSON.stringify(scenario.document);
    expect(parse(json)).toEqual(scenario);
    expect(readScenario(scenario.document, "s.yaml")).toEqual(scenario);
    expect(parse(documentText(scenario.document))).toEqual(scenario);
  });
});

describe("a scenario", () => {
  test("needs little: the rest has its defaults", () => {
    expect(parse(minimal())).toMatchObject({
      seeds: ["1"],
      order: "random",
      broker: { version: 5, volatile: false },
      link: { mode: "faithful", minUs: 5000, spreadUs: 20_000, loss: 0 },
      bounds: { convergenceUs: 60_000_000, cutRuns: 2000 },
      world: { stepUs: 100_000 },
      groups: [{ ids: ["a-001"], ppm: null, rtc: false, cpuFactor: 1, programs: [], sensors: [], lines: [] }],
    });
  });

  test.each([
    ["12", ["12"]],
    ["night", ["night"]],
    ["3..5", ["3", "4", "5"]],
  ])("seed %s", (seed, seeds) => {
    expect(parse(minimal(`seed: ${seed}`)).seeds).toEqual(seeds);
  });

  test("may hold a policy, and selects devices by prefix", () => {
    const text = minimal(
      "timeline: [{ at: 1s, fault: kill, device: a-* }, { at: 2s, fault: kill, device: all }]",
    )
      .replace("policy: p.json", "policy: { id: inline }")
      .replace("{ prefix: a-,", "{ prefix: a-, count: 2,");
    const { groups, timeline } = parse(text);
    expect(groups[0]?.policy).toEqual({ id: "inline" });
    expect(timeline.map(({ act }) => act)).toEqual([
      { fault: "kill", devices: ["a-001", "a-002"] },
      { fault: "kill", devices: ["a-001", "a-002"] },
    ]);
  });

  test("has adversaries with their scripts", () => {
    const { adversaries } = parse(
      minimal(`adversaries:
  - { id: mallory, key: 'device:a-001', script: [
      { at: 5s, send: flood, topic: imu/x, perSecond: 100, for: 10s },
      { every: 1s, from: 0, until: 10s, send: malformed, topic: imu/y } ] }`),
    );
    expect(adversaries).toEqual([
      {
        id: "mallory",
        key: "device:a-001",
        script: [
          {
            when: { kind: "at", atUs: 5_000_000 },
            act: { send: "flood", topic: "imu/x", perSecond: 100, forUs: 10_000_000, bytes: null },
          },
          {
            when: { kind: "every", everyUs: 1_000_000, fromUs: 0, untilUs: 10_000_000 },
            act: { send: "malformed", topic: "imu/y", count: null },
          },
        ],
      },
    ]);
  });

  test("gives each device of a group a node of its own", () => {
    const scenario = parse(`name: each
duration: 1m
devices:
  - { prefix: unit-, count: 2, board: sim, policy: p.json, wiring: [
      { model: relay, line: 17, drives: room.heater },
      { model: sht31, bus: i2c-1, address: 0x44, reads: { t: room.t } } ] }
world:
  sun: { kind: light, peak: 100, hour: 12, clouds: 0 }
  room: { kind: thermal, each: unit-, t: 10, C: 1000, G: 1, P: 50, gain: { of: sun.lux } }
  copy: { kind: signal, each: unit-, base: { of: room.t } }
expect: [{ always: 'all devices room.t < 100' }, { always: room@unit-002.t < 100 }]
`);
    const world = new World("1", scenario.world);
    world.input("room@unit-002.heater", () => 1);
    world.advanceTo(60_000_000);

    expect(world.nodeNames).toEqual([
      "sun",
      "room@unit-001",
      "room@unit-002",
      "copy@unit-001",
      "copy@unit-002",
    ]);
    expect(world.get("room@unit-002.t")).toBeGreaterThan(world.get("room@unit-001.t"));
    expect(world.get("copy@unit-002.value")).toBe(world.get("room@unit-002.t"));
  });

  test("drives inputs and parameters by numbers, schedules and quantities", () => {
    const { world } = parse(
      minimal().replace(
        "area: 0.5 }",
        "area: 0.5, qOut: 0.1, qIn: { schedule: [{ at: 0, value: 1 }, { at: 10s, value: 2 }], mode: linear }, valve: 0.5 }",
      ),
    );
    const made = new World("1", world);
    made.advanceTo(5_100_000);
    expect(made.get("tank1.qIn")).toBeCloseTo(1.5, 12);
    expect(made.get("tank1.valve")).toBe(0.5);
  });
});

describe("a scenario is refused with its place for", () => {
  const relay = "{ model: relay, line: 17, drives: tank1.pump }";
  const adc = "{ model: ads1115, bus: i2c-1, address: 0x48 }";

  test.each([
    ["an unknown member", minimal("sead: 1"), "/sead", 8],
    ["a member that is missing", "name: x\nduration: 1s\nexpect: [{ always: true }]", "", 1],
    ["no expectation", minimal().replace("[{ always: tank1.level < 1 }]", "[]"), "/expect", 7],
    ["a wrong type", minimal("order: sideways"), "/order", 8],
    ["a duration without a unit", minimal().replace("1m", "1x"), "/duration", 2],
    ["no duration", minimal().replace("1m", "0"), "/duration", 2],
    ["a member written twice", minimal("name: again"), "", 8],
    ["an alias", minimal("fleet: &f { id: x }\nbroker: *f"), "", 0],
    ["a seed range that is empty", minimal("seed: 5..1"), "/seed", 8],
    ["an unknown kind of node", minimal().replace("kind: tank", "kind: bucket"), "/world/tank1", 6],
    ["a number a node needs", minimal().replace(", height: 1", ""), "/world/tank1", 6],
    [
      "a drive that means nothing",
      minimal().replace("area: 0.5", "area: 0.5, qIn: { of: a.b }"),
      "/world",
      6,
    ],
    [
      "a schedule that falls back",
      minimal().replace(
        "area: 0.5",
        "area: 0.5, qIn: { schedule: [{ at: 2s, value: 1 }, { at: 1s, value: 1 }] }",
      ),
      "/world",
      6,
    ],
    ["an unknown fault", minimal("timeline: [{ at: 1s, fault: flood }]"), "/timeline/0", 8],
    ["an unknown deed", minimal("timeline: [{ at: 1s, do: nothing }]"), "/timeline/0", 8],
    ["an entry that does nothing", minimal("timeline: [{ at: 1s }]"), "/timeline/0", 8],
    [
      "a member of another fault",
      minimal("timeline: [{ at: 1s, fault: kill, device: a-001, byMs: 1 }]"),
      "/timeline/0/byMs",
      8,
    ],
    ["two times", minimal("timeline: [{ at: 1s, every: 2s, fault: kill, device: a-001 }]"), "/timeline/0", 8],
    ["no time", minimal("timeline: [{ fault: kill, device: a-001 }]"), "/timeline/0", 8],
    [
      "a time after the end",
      minimal("timeline: [{ at: 2m, fault: kill, device: a-001 }]"),
      "/timeline/0/at",
      8,
    ],
    [
      "an unknown device",
      minimal("timeline: [{ at: 1s, fault: kill, device: b-001 }]"),
      "/timeline/0/device",
      8,
    ],
    [
      "a sensor that is not there",
      minimal("timeline: [{ at: 1s, fault: sensor, device: a-001, target: i2c-1/0x44, kind: stuck }]"),
      "/timeline/0/target",
      8,
    ],
    [
      "noise without its size",
      minimal("timeline: [{ at: 1s, fault: sensor, device: a-001, target: i2c-1/0x48, kind: noise }]", adc),
      "/timeline/0",
      8,
    ],
    [
      "a channel that is not there",
      minimal(
        "timeline: [{ at: 1s, fault: sensor, device: a-001, target: i2c-1/0x48, quantity: t, kind: stuck }]",
        adc,
      ),
      "/timeline/0/quantity",
      8,
    ],
    [
      "a welded contact of a sensor",
      minimal(
        "timeline: [{ at: 1s, fault: gpio, device: a-001, line: 23, kind: welded }]",
        "{ model: reed, line: 23, reads: { level: tank1.level } }",
      ),
      "/timeline/0/kind",
      8,
    ],
    [
      "a button that is a relay",
      minimal("timeline: [{ at: 1s, do: press, device: a-001, line: 17 }]", relay),
      "/timeline/0/line",
      8,
    ],
    ["an unknown operator", minimal("timeline: [{ at: 1s, do: rotate, key: op-9 }]"), "/timeline/0/key", 8],
    [
      "an unknown quantity",
      minimal("timeline: [{ at: 1s, do: set, target: tank2.level, value: 1 }]"),
      "/timeline/0/target",
      8,
    ],
    [
      "a condition that is none",
      minimal().replace("tank1.level < 1", "tank1.level <"),
      "/expect/0/always",
      7,
    ],
    [
      "a quantity the node does not have",
      minimal().replace("tank1.level < 1", "tank1.temperature < 1"),
      "/expect/0/always",
      7,
    ],
    ["two expectations in one", minimal().replace("always:", "eventually: 'true', always:"), "/expect/0", 7],
    ["a time without its condition", minimal().replace("always: tank1.level < 1", "by: 10s"), "/expect/0", 7],
    [
      "devices of the same name",
      minimal().replace("devices:", "devices:\n  - { prefix: a-, board: sim, policy: p.json }"),
      "/devices/1/prefix",
      5,
    ],
    [
      "a reserved line",
      minimal("", "{ model: relay, line: 0, drives: tank1.pump }"),
      "/devices/0/wiring/0/line",
      4,
    ],
    [
      "a line without a pin",
      minimal("", "{ model: relay, line: 40, drives: tank1.pump }"),
      "/devices/0/wiring/0/line",
      4,
    ],
    [
      "a bus that the board does not have",
      minimal("", "{ model: ads1115, bus: i2c-7, address: 0x48 }"),
      "/devices/0/wiring/0/bus",
      4,
    ],
    [
      "an address the part cannot have",
      minimal("", "{ model: ads1115, bus: i2c-1, address: 0x40 }"),
      "/devices/0/wiring/0/address",
      4,
    ],
    ["a place that does not fit", minimal("", "{ model: ads1115, line: 4 }"), "/devices/0/wiring/0", 4],
    [
      "a quantity the part does not have",
      minimal("", "{ model: ads1115, bus: i2c-1, address: 0x48, reads: { t: tank1.level } }"),
      "/devices/0/wiring/0/reads/t",
      4,
    ],
    [
      "a part without what it measures",
      minimal("", "{ model: sht31, bus: i2c-1, address: 0x44 }"),
      "/devices/0/wiring/0/reads",
      4,
    ],
    [
      "a wire from nowhere",
      minimal("", "{ model: ads1115, bus: i2c-1, address: 0x48, reads: { ain0: tank9.level } }"),
      "/devices/0/wiring/0/reads/ain0",
      4,
    ],
    [
      "a wire to what is computed",
      minimal("", "{ model: relay, line: 17, drives: tank1.level }"),
      "/devices/0/wiring/0/drives",
      4,
    ],
    [
      "an option the part does not have",
      minimal("", "{ model: relay, line: 17, drives: tank1.pump, options: { vref: 3 } }"),
      "/devices/0/wiring/0/options/vref",
      4,
    ],
  ])("%s", (_name, text, path, line) => {
    const { code, details } = refusalOf(text);

    expect({ code, path: details.path, line: details.line }).toEqual({
      code: "scenario_invalid",
      path,
      line,
    });
  });

  test.each([
    ["an unknown board", "board_unknown", minimal().replace("raspberry-pi-4", "toaster"), "/devices/0/board"],
    [
      "an unknown model",
      "model_unknown",
      minimal("", "{ model: dht11, line: 4 }"),
      "/devices/0/wiring/0/model",
    ],
    [
      "two users of a line",
      "wiring_conflict",
      minimal("", `${relay}, { model: led, line: 17 }`),
      "/devices/0/wiring/1",
    ],
    ["two users of an address", "wiring_conflict", minimal("", `${adc}, ${adc}`), "/devices/0/wiring/1"],
    [
      "two users of a chip select",
      "wiring_conflict",
      minimal("", "{ model: mcp3008, spi: '0.0' }, { model: mcp3008, spi: '0.0' }"),
      "/devices/0/wiring/1",
    ],
    [
      "two users of a port",
      "wiring_conflict",
      minimal("", "{ model: gps, serial: ttyAMA0 }, { model: modbus, serial: ttyAMA0, address: 1 }"),
      "/devices/0/wiring/1",
    ],
    [
      "a line that a bus uses",
      "wiring_conflict",
      minimal("", `${adc}, { model: led, line: 2 }`),
      "/devices/0/wiring/1",
    ],
    [
      "a line that another bus uses",
      "wiring_conflict",
      minimal("", "{ model: led, line: 10 }, { model: mcp3008, spi: '0.1' }"),
      "/devices/0/wiring/0",
    ],
  ])("%s: %s", (_name, code, text, path) => {
    expect(refusalOf(text)).toMatchObject({ code, status: 422, details: { path, line: 4, file: "s.yaml" } });
  });

  test("more text than any scenario has", () => {
    expect(refusalOf(minimal("#".repeat(4 * 1024 * 1024)))).toMatchObject({ code: "scenario_invalid" });
  });
});

describe("wiring that is allowed", () => {
  test("several slaves share a port, lines of a bus that is not used are plain ones", () => {
    const text = minimal(
      "",
      "{ model: modbus, serial: ttyS0, address: 1 }, { model: modbus, serial: ttyS0, address: 2 }, { model: led, line: 2 }, { model: mcp3008, spi: '0.0' }, { model: led, line: 7 }",
    );
    expect(parse(text).groups[0]?.wiring.map(({ target }) => target)).toEqual([
      "serial-ttyS0/1",
      "serial-ttyS0/2",
      "gpio-2",
      "spi-0.0",
      "gpio-7",
    ]);
  });

  test("floating nets are told as warnings", () => {
    const text = minimal(
      "",
      "{ model: mcp3008, spi: '0.0', reads: { ch1: tank1.level } }, { model: reed, line: 23, reads: { level: tank1.level } }",
    ).replace(
      "policy: p.json",
      `policy: p.json, lines: [{ uri: gpio://gpiochip0/22 }, { uri: gpio://gpiochip0/23 }, { uri: gpio://gpiochip0/24, bias: pull-up }],
     sensors: [{ uri: spi://0.0/ch0, driver: mcp3008 }, { uri: spi://0.0/ch1, driver: mcp3008 }]`,
    );
    expect(parse(text).warnings.map(({ code, path }) => [code, path])).toEqual([
      ["net_floating", "/devices/0/lines/0"],
      ["net_floating", "/devices/0/lines/1"],
      ["net_floating", "/devices/0/sensors/0"],
    ]);
  });
});
