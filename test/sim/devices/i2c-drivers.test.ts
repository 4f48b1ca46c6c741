import { describe, expect, it } from "vitest";
import { Ads1115, Bme280, Sht31 } from "../../../drivers/index.ts";
import { CodedError } from "../../../firmware/core/errors.ts";
import type { I2cBus } from "../../../firmware/ports/hardware.ts";
import { Ads1115Model } from "../../../sim/devices/ads1115.ts";
import { Bme280Model } from "../../../sim/devices/bme280.ts";
import { Sht31Model } from "../../../sim/devices/sht31.ts";
import type { I2cTarget } from "../../../sim/devices/target.ts";
import { aVirtualClock, never } from "../virtual-board.ts";
import { command, writeWord } from "./registers.ts";

/** A bus without any time or fault of its own: what goes wrong here comes from the device. */
function aBench(target: I2cTarget) {
  const { time, clock } = aVirtualClock();
  const nack = () => new CodedError("nack", "not acknowledged", { status: 500 });
  const bus: I2cBus = {
    async transfer(_address, write, readLength) {
      if (write.length > 0 && !target.write(write, time.nowUs)) throw nack();
      if (readLength === 0) return new Uint8Array(0);
      const answer = target.read(readLength, time.nowUs);
      if (!answer) throw nack();
      return answer;
    },
    async [Symbol.asyncDispose]() {
      return;
    },
  };
  /** Does something to the device after so many milliseconds of its driver's time. */
  const after = (ms: number, act: () => void) => clock.after(ms, act);
  return { time, after, where: { bus, address: 0x40, clock, source: "i2c://1/0x40" } };
}

describe("the SHT31 driver", () => {
  const aSensor = () => {
    const model = new Sht31Model({ sample: () => ({ temperatureC: 25, humidityPct: 50 }) });
    const bench = aBench(model);
    const driver = new Sht31(bench.where);
    return { ...bench, model, read: () => bench.time.settle(driver.read(never)) };
  };

  it("reads the heated sensor 3 °C warmer", async () => {
    const { model, read } = aSensor();
    const cool = await read();
    command(model, 0x306d, 1_000_000);

    expect((await read()).temperature.value - cool.temperature.value).toBeCloseTo(3, 2);
  });

  it("fails on a sensor that another owner left in periodic mode, until the break", async () => {
    const { model, read, time } = aSensor();
    command(model, 0x2737, 0);
    await expect(read()).rejects.toMatchObject({ code: "nack" });

    command(model, 0x3093, time.nowUs);
    await time.runFor(1);

    expect((await read()).temperature.value).toBeCloseTo(25, 2);
  });

  it("fails when the sensor loses power in the measurement, and recovers", async () => {
    const { model, read, after, time } = aSensor();
    after(5, () => {
      model.powerCut(time.nowUs);
      model.powerOn(time.nowUs);
    });

    await expect(read()).rejects.toMatchObject({ code: "nack" });
    expect((await read()).humidity.value).toBeCloseTo(50, 2);
  });
});

describe("the ADS1115 driver", () => {
  it("notices a general call reset in the conversion, and recovers", async () => {
    const model = new Ads1115Model({ volts: () => 1.5, slowness: 1.1 });
    const { time, after, where } = aBench(model);
    const driver = new Ads1115(where);
    after(3, () => model.generalCall(Uint8Array.of(0x06), time.nowUs));

    await expect(time.settle(driver.read(0, never))).rejects.toMatchObject({
      code: "sensor_fault",
      details: { why: "settings lost" },
    });
    expect((await time.settle(driver.read(0, never))).value).toBeCloseTo(1.5, 3);
  });

  it("measures the right input from its second reading on after another owner's continuous mode", async () => {
    const model = new Ads1115Model({ volts: (input) => input });
    const { time, where } = aBench(model);
    // Input 3 at 860 samples per second; OS has no effect while its last conversion runs (SBAS444, 8.6.3).
    writeWord(model, 1, 0x72e3, 0);
    const driver = new Ads1115(where);
    await time.settle(driver.read(1, never));

    expect((await time.settle(driver.read(1, never))).value).toBeCloseTo(1, 3);
  });
});

describe("the BME280 driver", () => {
  const aChip = () => {
    const model = new Bme280Model({
      sample: () => ({ temperatureC: 21.5, pressurePa: 101_325, humidityPct: 45 }),
    });
    const bench = aBench(model);
    const driver = new Bme280({ ...bench.where });
    return { ...bench, model, read: () => bench.time.settle(driver.read(never)) };
  };

  it("notices a chip that lost power in the measurement, and recovers", async () => {
    const { model, read, after, time } = aChip();
    after(4, () => {
      model.powerCut();
      model.powerOn(time.nowUs);
    });

    await expect(read()).rejects.toMatchObject({ code: "sensor_fault", details: { why: "settings lost" } });
    expect((await read()).temperature.value).toBe(21.5);
  });

  it("does not get a chip out of a long measurement in normal mode at once, but with the next reading", async () => {
    const { model, read, time } = aChip();
    await time.runFor(3);
    // Everything ×16: 112.8 ms.
    model.write(Uint8Array.of(0xf2, 0x05, 0xf4, 0xb7), time.nowUs);

    await expect(read()).rejects.toMatchObject({ details: { why: "conversion does not end" } });
    await time.runFor(150);
    expect((await read()).pressure.value).toBeCloseTo(101_325, -1);
  });
});
