import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Debouncer } from "../../drivers/debouncer.ts";
import { Plausibility } from "../../drivers/devices/plausibility.ts";
import { Relay, SensorRegistry, Switch } from "../../drivers/index.ts";
import { ReceiveBuffer } from "../../drivers/receive-buffer.ts";
import type { Level } from "../../firmware/ports/hardware.ts";
import { Mcp3008Model } from "../../sim/devices/mcp3008.ts";
import { aGreenhouse, never } from "../sim/virtual-board.ts";

const PLAIN = { driver: "mcp3008" } as const;
const volts = (value: number) => ({ value, unit: "V" });

describe("plausibility checks", () => {
  it("scale first and refuse what is outside the declared range, without clamping", () => {
    const checks = new Plausibility("spi://0.0/ch0");
    const channel = { ...PLAIN, scale: 10, offset: 1, min: 0, max: 20, unit: "%" };

    expect(checks.check(channel, volts(1.5), 0)).toEqual({ value: 16, unit: "%", quality: "ok" });
    expect(() => checks.check(channel, volts(2), 1)).toThrowError(
      expect.objectContaining({
        code: "reading_out_of_range",
        details: expect.objectContaining({ value: 21 }),
      }),
    );
  });

  it("refuse an impossible step once, then follow the value", () => {
    const checks = new Plausibility("spi://0.0/ch0");
    const channel = { ...PLAIN, maxStepPerS: 1 };
    const first = checks.check(channel, volts(1), 0);

    expect(first.quality).toBe("suspect");
    expect(() => checks.check(channel, volts(5), 1000)).toThrowError(
      expect.objectContaining({ code: "sensor_fault" }),
    );
    expect(checks.check(channel, volts(5.5), 2000)).toMatchObject({ value: 5.5, quality: "ok" });
  });

  it("call a value that never changes frozen, and only after the declared time", () => {
    const checks = new Plausibility("spi://0.0/ch0");
    const channel = { ...PLAIN, frozenAfterMs: 5000 };
    for (const at of [0, 2000, 4999]) checks.check(channel, volts(1), at);

    expect(() => checks.check(channel, volts(1), 5000)).toThrowError(
      expect.objectContaining({ code: "sensor_fault", details: expect.objectContaining({ why: "frozen" }) }),
    );
    expect(checks.check(channel, volts(1.01), 6000).value).toBe(1.01);
  });
});

describe("the debouncer", () => {
  it("reports alternating levels only, each after its stable time", () => {
    const edges = fc.array(fc.record({ gap: fc.nat(20), value: fc.constantFrom<Level>(0, 1) }));

    fc.assert(
      fc.property(edges, (list) => {
        const debouncer = new Debouncer(0, 5);
        const seen: Level[] = [];
        let at = 0;
        for (const { gap, value } of list) {
          at += gap;
          const settled = debouncer.push({ at, value });
          if (settled) seen.push(settled.value);
        }
        const last = debouncer.settle(at + 5);
        if (last) seen.push(last.value);
        seen.forEach((value, i) => {
          expect(value).toBe(i % 2 === 0 ? 1 : 0);
        });
        expect(seen.at(-1) ?? 0).toBe(list.at(-1)?.value ?? 0);
      }),
    );
  });
});

describe("the receive buffer", () => {
  it("keeps the newest bytes and counts the dropped ones", () => {
    const buffer = new ReceiveBuffer(4);
    buffer.push(Uint8Array.of(1, 2, 3));
    buffer.push(Uint8Array.of(4, 5, 6));
    buffer.push(Uint8Array.of(7, 8, 9, 10, 11));

    expect(buffer.dropped).toBe(7);
    expect([...buffer.take(10)]).toEqual([8, 9, 10, 11]);
  });

  it("ends an answer after the terminator, or at the most bytes asked for", () => {
    const buffer = new ReceiveBuffer();
    buffer.push(Uint8Array.of(65, 13, 10, 66));

    expect([...(buffer.takeComplete(8, Uint8Array.of(13, 10)) ?? [])]).toEqual([65, 13, 10]);
    expect(buffer.takeComplete(8, Uint8Array.of(13, 10))).toBeNull();
    expect([...(buffer.takeComplete(1, Uint8Array.of(13, 10)) ?? [])]).toEqual([66]);
  });
});

describe("the relay", () => {
  it.each([
    [false, 1],
    [true, 0],
  ] as const)("with active low %s is switched on by level %s", async (activeLow, level) => {
    const { hardware } = aGreenhouse();
    const line = await hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 });

    const { readback } = await new Relay(line, { activeLow }).set(true);

    expect(readback).toBe(level);
  });

  it("reports a line that does not take the level", async () => {
    const { hardware } = aGreenhouse();
    const line = await hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 });
    line.write = async () => undefined;

    await expect(new Relay(line, { activeLow: false }).set(true)).rejects.toMatchObject({
      code: "readback_mismatch",
    });
  });
});

describe("sensors by URI", () => {
  it.each([
    ["i2c://1/0x76/temperature", { driver: "bme280" }, "Cel"],
    ["i2c://1/0x76/humidity", { driver: "bme280" }, "%RH"],
    ["i2c://1/0x76/pressure", { driver: "bme280" }, "Pa"],
    ["spi://0.0/ch0", { driver: "mcp3008" }, "V"],
    ["gpio://gpiochip0/23", { driver: "switch", bias: "pull-up" }, "1"],
    ["serial://ttyAMA0/satellites", { driver: "nmea" }, "1"],
  ] as const)("reads %s", async (uri, config, unit) => {
    const { time, clock, hardware } = aGreenhouse();
    await using sensors = new SensorRegistry({ hardware, clock });

    const reading = await time.settle(sensors.openSensor(uri, config).read(config, never));

    expect(reading).toMatchObject({ unit });
  });

  it("lets channels of one chip be read at the same time", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const config = { driver: "bme280" } as const;
    const read = (quantity: string) =>
      sensors.openSensor(`i2c://1/0x76/${quantity}`, config).read(config, never);

    const readings = await time.settle(
      Promise.all([read("temperature"), read("humidity"), read("pressure")]),
    );

    expect(readings.map((reading) => reading.unit)).toEqual(["Cel", "%RH", "Pa"]);
  });

  it.each([
    ["i2c://1/0x76/colour", { driver: "bme280" }],
    ["spi://0.0/ch9", { driver: "mcp3008" }],
    ["i2c://1/0x76/temperature", { driver: "mcp3008" }],
    ["i2c://1/118/temperature", { driver: "bme280" }],
  ] as const)("refuses %s for what it is not", async (uri, config) => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });

    await expect(time.settle(sensors.openSensor(uri, config).read(config, never))).rejects.toMatchObject({
      code: "bad_args",
    });
  });

  it("asks for a missing bus and reads as soon as it is there", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const config = { driver: "bme280" } as const;
    const temperature = sensors.openSensor("i2c://1/0x76/temperature", config);
    hardware.setPresent("bus:i2c:1", false);

    await expect(time.settle(temperature.read(config, never))).rejects.toMatchObject({
      code: "resource_required",
      requirement: { resource: "bus:i2c:1" },
    });
    hardware.setPresent("bus:i2c:1", true);

    expect((await time.settle(temperature.read(config, never))).unit).toBe("Cel");
  });

  it("tells a missing converter and a silent or noisy receiver from measurements", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const read = (uri: string, config: Parameters<SensorRegistry["openSensor"]>[1]) =>
      time.settle(sensors.openSensor(uri, config).read(config, never));

    await expect(read("spi://0.1/ch0", { driver: "mcp3008" })).rejects.toMatchObject({
      code: "sensor_fault",
    });
    await expect(read("serial://ttyAMA0/latitude", { driver: "nmea", baudRate: 4800 })).rejects.toMatchObject(
      { code: "framing" },
    );
    hardware.faults.inject("serial:ttyAMA0", { kind: "disappear" });
    await expect(read("serial://ttyAMA0/latitude", { driver: "nmea" })).rejects.toMatchObject({
      code: "io_error",
    });
  });

  it("turns an active-low contact once, in readings and in edges", async () => {
    const { time, hardware, world } = aGreenhouse();
    const line = await hardware.gpio({ chip: "gpiochip0", line: 23, direction: "in", bias: "pull-up" });
    const contact = new Switch(line, { activeLow: true });
    const falling: Level[] = [];
    using _watch = contact.watch("falling", 10, (edge) => falling.push(edge.value));
    const closed = await contact.read();

    world.setDoor(true, hardware.nowUs());
    await time.runFor(100);

    expect(closed).toEqual({ value: 1, unit: "1", raw: 0 });
    expect(falling).toEqual([0]);
  });

  it("gives the MCP3008 code wherever the start bit stands", () => {
    const model = new Mcp3008Model({ vref: 3.3, volts: (channel) => channel * 0.4 });
    const code = (bytes: readonly number[], shift: number) => {
      const answer = model.transfer(Uint8Array.from(bytes), 0);
      return ((((answer[0] ?? 0) << 16) | ((answer[1] ?? 0) << 8) | (answer[2] ?? 0)) >> shift) & 0x3ff;
    };

    expect(code([0x01, 0xd0, 0x00], 0)).toBe(Math.floor((2 / 3.3) * 1024));
    expect(code([0b0001_1101, 0, 0], 4)).toBe(Math.floor((2 / 3.3) * 1024));
  });
});
