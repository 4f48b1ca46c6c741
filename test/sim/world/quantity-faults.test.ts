import { describe, expect, test } from "vitest";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { QuantityFaults } from "../../../sim/world/quantity-faults.ts";

const HOUR = 3_600_000_000;
const faults = (): QuantityFaults => new QuantityFaults(new SeededEntropy("1", "device:a:i2c-1:0x44"));

describe("faults of a quantity", () => {
  test("hold in their span of time only", () => {
    const sensor = faults();
    sensor.add({ kind: "offset", by: 5 }, { fromUs: 10, untilUs: 20 });

    expect([9, 10, 19, 20].map((atUs) => sensor.apply(1, atUs))).toEqual([1, 6, 6, 1]);
  });

  test("drift grows from its begin on", () => {
    const sensor = faults();
    sensor.add({ kind: "drift", perHour: 2 }, { fromUs: HOUR, untilUs: null });

    expect([HOUR, 1.5 * HOUR, 3 * HOUR].map((atUs) => sensor.apply(20, atUs))).toEqual([20, 21, 24]);
  });

  test("a stuck sensor shows what it saw first, whatever else is wrong, until it is repaired", () => {
    const sensor = faults();
    sensor.add({ kind: "stuck", value: null });
    sensor.add({ kind: "offset", by: 1 });

    expect([3, 4, 5].map((value) => sensor.apply(value, 0))).toEqual([4, 4, 4]);
    sensor.clear("stuck");
    expect(sensor.apply(5, 0)).toBe(6);
    sensor.add({ kind: "stuck", value: -40 });
    expect(sensor.apply(5, 0)).toBe(-40);
    sensor.clear();
    expect(sensor.apply(5, 0)).toBe(5);
  });

  test("spikes go up and down, dropouts read what they say, each as often as it should", () => {
    const spiky = faults();
    spiky.add({ kind: "spike", p: 0.25, by: 9 });
    const loose = faults();
    loose.add({ kind: "dropout", p: 0.1, value: 0 });
    const samples = Array.from({ length: 4000 }, (_, index) => [
      spiky.apply(1, index),
      loose.apply(1, index),
    ]);
    const share = (sensor: 0 | 1, value: number): number =>
      samples.filter((pair) => pair[sensor] === value).length / samples.length;

    // Five standard errors of a share p among 4000: 5·√(p(1−p)/4000).
    expect(Math.abs(share(0, 10) - 0.125)).toBeLessThan(0.027);
    expect(Math.abs(share(0, -8) - 0.125)).toBeLessThan(0.027);
    expect(share(0, 1) + share(0, 10) + share(0, -8)).toBeCloseTo(1, 9);
    expect(Math.abs(share(1, 0) - 0.1)).toBeLessThan(0.024);
  });

  test("noise has the given deviation and is the same for the same seed", () => {
    const [one, other] = [faults(), faults()];
    for (const sensor of [one, other]) sensor.add({ kind: "noise", sigma: 0.5 });
    const samples = Array.from({ length: 2000 }, (_, index) => one.apply(20, index));

    expect(samples).toEqual(samples.map((_, index) => other.apply(20, index)));
    const variance = samples.reduce((sum, sample) => sum + (sample - 20) ** 2, 0) / samples.length;
    expect(Math.abs(variance - 0.25)).toBeLessThan(0.25 * 5 * Math.sqrt(2 / 2000));
  });
});
