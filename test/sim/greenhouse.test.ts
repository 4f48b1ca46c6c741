import { describe, expect, it } from "vitest";
import { SensorRegistry } from "../../drivers/index.ts";
import type { GpioEdge } from "../../firmware/ports/hardware.ts";
import { aGreenhouse, never } from "./virtual-board.ts";

const CLIMATE = { driver: "bme280" } as const;
const SOIL = { driver: "mcp3008", scale: 100 / 3.3, unit: "%" } as const;

describe("the simulated greenhouse", () => {
  it("crosses the fan set-point of 25 to 26 °C within ten seconds of sun", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const temperature = sensors.openSensor("i2c://1/0x76/temperature", CLIMATE);

    const before = await time.settle(temperature.read(CLIMATE, never));
    await time.runUntil(10_000_000);
    const after = await time.settle(temperature.read(CLIMATE, never));

    expect(before.value).toBeGreaterThan(24);
    expect(before.value).toBeLessThan(25);
    expect(after.value).toBeGreaterThan(26);
  });

  it("is cooled by the fan behind line 17 and heats up again without it", async () => {
    const { time, hardware, world } = aGreenhouse();
    const fan = await hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 });
    await time.runUntil(10_000_000);
    hardware.nowUs();
    const hot = world.state().temperatureC;

    await fan.write(1);
    await time.runFor(10_000);
    hardware.nowUs();
    const cooled = world.state().temperatureC;
    await fan.write(0);
    await time.runFor(10_000);
    hardware.nowUs();

    expect(cooled).toBeLessThan(hot - 1);
    expect(world.state().temperatureC).toBeGreaterThan(cooled + 1);
  });

  it("dries the soil below 30 % within twenty seconds and waters it through line 27", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const soil = sensors.openSensor("spi://0.0/ch0", SOIL);
    const pump = await hardware.gpio({ chip: "gpiochip0", line: 27, direction: "out", initial: 0 });
    await time.runUntil(20_000_000);

    const dry = await time.settle(soil.read(SOIL, never));
    await pump.write(1);
    await time.runFor(5000);
    const wet = await time.settle(soil.read(SOIL, never));

    expect(dry.value).toBeLessThan(30);
    expect(wet.value).toBeGreaterThan(dry.value + 10);
  });

  it("opens the door after eight seconds, seen as one debounced edge in spite of bouncing", async () => {
    const { time, hardware } = aGreenhouse();
    const door = await hardware.gpio({ chip: "gpiochip0", line: 23, direction: "in", bias: "pull-up" });
    const edges: GpioEdge[] = [];
    using _watch = door.watch("both", 20, (edge) => edges.push(edge));

    await time.runUntil(9_000_000);

    expect(edges.map((edge) => edge.value)).toEqual([1]);
    expect(edges[0]?.monoMs).toBeGreaterThanOrEqual(8020);
    expect(edges[0]?.monoMs).toBeLessThan(8030);
    expect(await door.read()).toBe(1);
  });

  it("gives the same world for the same seed, however often somebody looks", async () => {
    const often = aGreenhouse("7");
    const rarely = aGreenhouse("7");

    for (let i = 0; i < 120; i++) {
      await often.time.runFor(500);
      often.hardware.nowUs();
    }
    await rarely.time.runFor(60_000);
    rarely.hardware.nowUs();

    expect(often.world.state()).toEqual(rarely.world.state());
    expect(aGreenhouse("8").world.state()).not.toEqual(rarely.world.state());
  });

  it("has a receiver on ttyAMA0 with a fix after its cold start", async () => {
    const { time, clock, hardware } = aGreenhouse();
    const sensors = new SensorRegistry({ hardware, clock });
    const latitude = sensors.openSensor("serial://ttyAMA0/latitude", { driver: "nmea" });
    await expect(time.settle(latitude.read({ driver: "nmea" }, never))).rejects.toMatchObject({
      code: "sensor_fault",
    });
    await time.runUntil(5_500_000);

    const fix = await time.settle(latitude.read({ driver: "nmea" }, never));

    expect(fix.unit).toBe("deg");
    expect(fix.value).toBeCloseTo(32.0853, 4);
  });
});
