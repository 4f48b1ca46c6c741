import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bh1750Model, bh1750Raw } from "../../../sim/devices/bh1750.ts";

const H_US = 180_000;

function aSensor(lux: (atUs: number) => number, slowness?: number) {
  const model = new Bh1750Model({ lux, ...(slowness === undefined ? {} : { slowness }) });
  return {
    model,
    send: (opcode: number, atUs: number) => model.write(Uint8Array.of(opcode), atUs),
    result: (atUs: number) => {
      const [high = 0, low = 0] = model.read(2, atUs);
      return (high << 8) | low;
    },
  };
}

describe("the BH1750's codes", () => {
  // ROHM BH1750FVI, "Measurement sequence example": 8390h is 28067 lx in H mode, 0110h is 227 lx in L mode.
  it.each([
    [28_067, "h", 0x8390],
    [227, "l", 0x0110],
  ] as const)("shows %d lx in mode %s as the data sheet's example", (lux, mode, code) => {
    expect(Math.abs(bh1750Raw(lux, mode) - code)).toBeLessThanOrEqual(mode === "l" ? 4 : 1);
  });

  it("counts 1.2 per lux, twice in H2, in fours in L, and stops at 65535", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 120_000, noNaN: true }), (lux) => {
        expect(bh1750Raw(lux, "h")).toBe(Math.min(65_535, Math.floor(lux * 1.2)));
        expect(bh1750Raw(lux, "h2")).toBe(Math.min(65_535, Math.floor(lux * 1.2 * 2)));
        expect(bh1750Raw(lux, "l") % 4).toBe(0);
        expect(bh1750Raw(lux, "h") - bh1750Raw(lux, "l")).toBeLessThan(4);
      }),
    );
  });

  it("scales with the measurement time: 138 counts twice as much (data sheet, 'Adjust measurement result')", () => {
    expect(bh1750Raw(100, "h", 138)).toBe(240);
    expect(bh1750Raw(100, "h", 254)).toBe(Math.floor((120 * 254) / 69));
  });
});

describe("the BH1750 model", () => {
  it("samples at the start and shows the old result until the conversion is over", () => {
    const sensor = aSensor((atUs) => (atUs < 1000 ? 100 : 500));
    sensor.send(0x10, 0);

    expect(sensor.result(H_US - 1)).toBe(0);
    expect(sensor.result(H_US)).toBe(120);
    expect(sensor.result(2 * H_US)).toBe(600);
  });

  it.each([
    [0x20, 180_000],
    [0x21, 180_000],
    [0x23, 24_000],
  ])("measures once with opcode %i and powers down", (opcode, endUs) => {
    let asked = 0;
    const sensor = aSensor(() => {
      asked++;
      return 100;
    });
    sensor.send(opcode, 0);

    expect(sensor.result(endUs - 1)).toBe(0);
    expect(sensor.result(endUs)).toBeGreaterThan(0);
    sensor.result(10 * endUs);
    expect(asked).toBe(1);
    // Reset is not accepted in power down.
    sensor.send(0x07, 10 * endUs);
    expect(sensor.result(10 * endUs)).toBeGreaterThan(0);
  });

  it("clears its result with a reset when it is on", () => {
    const sensor = aSensor(() => 100);
    sensor.send(0x20, 0);
    sensor.send(0x01, H_US);
    sensor.send(0x07, H_US);

    expect(sensor.result(H_US)).toBe(0);
  });

  it("drops a running conversion in power down and keeps the result", () => {
    const sensor = aSensor((atUs) => (atUs === 0 ? 100 : 900));
    sensor.send(0x10, 0);
    sensor.send(0x00, H_US + 5);

    expect(sensor.result(10 * H_US)).toBe(120);
  });

  it("takes the measurement time in two opcodes, which also stretches the conversion", () => {
    const sensor = aSensor(() => 100);
    // 138 = 100b 01010b, the data sheet's example for a window of half the transmission.
    sensor.send(0b01000_100, 0);
    sensor.send(0b011_01010, 0);
    sensor.send(0x20, 0);

    expect(sensor.result(2 * H_US - 1)).toBe(0);
    expect(sensor.result(2 * H_US)).toBe(240);
  });

  it("gives the same results however rarely somebody looks", () => {
    const often = aSensor((atUs) => atUs / 10_000, 1);
    const rarely = aSensor((atUs) => atUs / 10_000, 1);
    often.send(0x10, 0);
    rarely.send(0x10, 0);
    for (let atUs = 0; atUs < 5_000_000; atUs += 7_000) often.result(atUs);

    expect(rarely.result(5_000_000)).toBe(often.result(5_000_000));
    expect(rarely.result(5_000_000)).toBe(Math.floor(((40 * 120_000) / 10_000) * 1.2));
  });

  it("takes one opcode per message, and forgets everything without supply", () => {
    const sensor = aSensor(() => 100);
    expect(sensor.model.write(Uint8Array.of(0x01, 0x10), 0)).toBe(false);
    sensor.send(0x10, 0);
    sensor.result(H_US);
    sensor.model.powerCut();

    expect(sensor.result(5 * H_US)).toBe(0);
  });
});
