import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bme280 } from "../../drivers/index.ts";
import { FaultBoard, type SimFault } from "../../sim/board/faults.ts";
import { SimI2cBus } from "../../sim/board/sim-i2c.ts";
import { Bme280Model } from "../../sim/devices/bme280.ts";
import type { Climate } from "../../sim/devices/bme280-codec.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { aVirtualClock, never } from "../sim/virtual-board.ts";

const ROOM: Climate = { temperatureC: 21.5, pressurePa: 101_325, humidityPct: 45 };

function aChip(options: { climate?: Climate; chipId?: number; faults?: readonly SimFault[] } = {}) {
  const { time, clock } = aVirtualClock();
  const faults = new FaultBoard(new SeededEntropy("1", "faults"));
  for (const fault of options.faults ?? []) faults.inject("i2c:1:0x76", fault);
  const model = new Bme280Model({
    sample: () => options.climate ?? ROOM,
    ...(options.chipId === undefined ? {} : { chipId: options.chipId }),
  });
  const targets = new Map([[0x76, model]]);
  const bus = new SimI2cBus({ bus: 1, hz: 100_000, clock, faults, targets, nowUs: () => time.nowUs });
  const driver = new Bme280({ bus, address: 0x76, clock, source: "i2c://1/0x76" });
  return { time, driver, faults, model, read: () => time.settle(driver.read(never)) };
}

describe("the BME280 driver against the register-level model", () => {
  it("reads a room within the chip's resolution", async () => {
    const climate = await aChip().read();

    expect(climate.temperature).toMatchObject({ unit: "Cel", value: 21.5, raw: 508448 });
    expect(climate.pressure.value).toBeCloseTo(101_325, -1);
    expect(climate.humidity.value).toBeCloseTo(45, 1);
  });

  it("gives back every climate in the operating range within the resolution of the codes", async () => {
    const climates = fc.record({
      temperatureC: fc.double({ min: -35, max: 80, noNaN: true }),
      pressurePa: fc.double({ min: 35_000, max: 108_000, noNaN: true }),
      humidityPct: fc.double({ min: 2, max: 95, noNaN: true }),
    });

    await fc.assert(
      fc.asyncProperty(climates, async (climate) => {
        const seen = await aChip({ climate }).read();
        expect(Math.abs(seen.temperature.value - climate.temperatureC)).toBeLessThanOrEqual(0.011);
        expect(Math.abs(seen.pressure.value - climate.pressurePa)).toBeLessThanOrEqual(1);
        expect(Math.abs(seen.humidity.value - climate.humidityPct)).toBeLessThanOrEqual(0.1);
      }),
      { numRuns: 150 },
    );
  });

  const broken: readonly [string, Parameters<typeof aChip>[0], string][] = [
    ["nothing acknowledges", { faults: [{ kind: "nack", p: 1 }] }, "nack"],
    ["the chip is unplugged", { faults: [{ kind: "disappear" }] }, "nack"],
    ["the data line is stuck high", { faults: [{ kind: "stuck_high" }] }, "sensor_fault"],
    ["SDA is held low", { faults: [{ kind: "bus_stuck" }] }, "bus_stuck"],
    ["the clock is stretched too long", { faults: [{ kind: "stretch", ms: 30 }] }, "io_timeout"],
    ["another chip answers (a BMP280)", { chipId: 0x58 }, "sensor_fault"],
    ["the pressure is impossible", { climate: { ...ROOM, pressurePa: 20_000 } }, "sensor_fault"],
  ];
  it.each(broken)("fails when %s", async (_what, options, code) => {
    await expect(aChip(options).read()).rejects.toMatchObject({ code });
  });

  it("notices a line that gets stuck between two readings, and recovers with it", async () => {
    const chip = aChip();
    await chip.read();

    chip.faults.inject("i2c:1:0x76", { kind: "stuck_high" });
    await expect(chip.read()).rejects.toMatchObject({ code: "sensor_fault" });
    chip.faults.clear("i2c:1:0x76");

    expect((await chip.read()).temperature.value).toBe(21.5);
  });

  it("refuses values of a chip that was reset and skips a quantity", async () => {
    const chip = aChip();
    await chip.read();
    const write = chip.model.write.bind(chip.model);
    // A chip that loses the humidity setting, as after a brown-out between two writes.
    chip.model.write = (data, nowUs) => write(data.length === 4 ? data.slice(2) : data, nowUs);
    write(Uint8Array.of(0xe0, 0xb6), chip.time.nowUs);

    await expect(chip.read()).rejects.toMatchObject({ code: "sensor_fault" });
  });

  it("stops at once when the caller gives up", async () => {
    const { time, driver } = aChip();
    const abort = new AbortController();
    const read = driver.read(abort.signal);
    abort.abort(new Error("enough"));

    await expect(time.settle(read)).rejects.toBeInstanceOf(Error);
    expect(time.nowUs).toBeLessThan(1000);
  });
});
