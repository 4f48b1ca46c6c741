import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ads1115, Sht31 } from "../../drivers/index.ts";
import { FaultBoard } from "../../sim/board/faults.ts";
import { SimI2cBus } from "../../sim/board/sim-i2c.ts";
import { Ads1115Model } from "../../sim/devices/ads1115.ts";
import { Sht31Model } from "../../sim/devices/sht31.ts";
import type { I2cTarget } from "../../sim/devices/target.ts";
import { SeededEntropy } from "../../sim/time/entropy.ts";
import { aVirtualClock, never } from "../sim/virtual-board.ts";

function aBus(address: number, target: I2cTarget) {
  const { time, clock } = aVirtualClock();
  const faults = new FaultBoard(new SeededEntropy("1", "faults"));
  const targets = new Map([[address, target]]);
  const bus = new SimI2cBus({ bus: 1, hz: 100_000, clock, faults, targets, nowUs: () => time.nowUs });
  return { time, faults, where: { bus, address, clock, source: "i2c://1" } };
}

describe("the SHT31 driver against its model", () => {
  const aSensor = (temperatureC: number, humidityPct: number) => {
    const bench = aBus(0x44, new Sht31Model({ sample: () => ({ temperatureC, humidityPct }) }));
    const driver = new Sht31(bench.where);
    return { ...bench, read: () => bench.time.settle(driver.read(never)) };
  };

  it("gives back every climate within the resolution", async () => {
    const degrees = fc.double({ min: -44, max: 125, noNaN: true });
    const percent = fc.double({ min: 0, max: 100, noNaN: true });

    await fc.assert(
      fc.asyncProperty(degrees, percent, async (t, rh) => {
        const { temperature, humidity } = await aSensor(t, rh).read();
        expect(Math.abs(temperature.value - t)).toBeLessThan(0.002);
        expect(Math.abs(humidity.value - rh)).toBeLessThan(0.001);
      }),
    );
  });

  it("refuses a frame with one flipped bit, wherever it is", async () => {
    const sensor = aSensor(25, 50);
    sensor.faults.inject("i2c:1:0x44", { kind: "corrupt", p: 1 });

    for (let i = 0; i < 20; i++) {
      await expect(sensor.read()).rejects.toMatchObject({
        code: "sensor_fault",
        details: { why: "wrong checksum" },
      });
    }
  });

  it("does not answer before the conversion is over", async () => {
    const { where, time } = aSensor(25, 50);
    await time.settle(where.bus.transfer(0x44, Uint8Array.of(0x24, 0x00), 0, never));

    await expect(time.settle(where.bus.transfer(0x44, new Uint8Array(0), 6, never))).rejects.toMatchObject({
      code: "nack",
    });
  });
});

describe("the ADS1115 driver against its model", () => {
  const aConverter = (volts: number, slowness = 1) => {
    const model = new Ads1115Model({ volts: (input) => (input === 2 ? volts : 0), slowness });
    const bench = aBus(0x48, model);
    const driver = new Ads1115(bench.where);
    return { ...bench, model, read: (input: number) => bench.time.settle(driver.read(input, never)) };
  };

  it.each([0.9, 1, 1.1])("measures the chosen input with an oscillator of factor %s", async (slowness) => {
    const converter = aConverter(1.65, slowness);

    expect((await converter.read(2)).value).toBeCloseTo(1.65, 3);
    expect((await converter.read(1)).value).toBe(0);
  });

  it("refuses saturated codes, a stuck line and a converter that lost its settings", async () => {
    await expect(aConverter(5).read(2)).rejects.toMatchObject({ details: { why: "saturated" } });
    const stuck = aConverter(1);
    stuck.faults.inject("i2c:1:0x48", { kind: "stuck_high" });
    await expect(stuck.read(2)).rejects.toMatchObject({ code: "sensor_fault" });
    const endless = aConverter(1, 100);
    await expect(endless.read(2)).rejects.toMatchObject({ details: { why: "conversion does not end" } });
  });
});
