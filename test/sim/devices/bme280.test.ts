import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Bme280Model } from "../../../sim/devices/bme280.ts";
import {
  type Climate,
  centiCelsius,
  DEFAULT_CALIBRATION,
  encodeClimate,
  fineTemperature,
  humidityQ22,
  measureUs,
  pressureQ24,
} from "../../../sim/devices/bme280-codec.ts";
import { readAt } from "./registers.ts";

const ROOM: Climate = { temperatureC: 21.5, pressurePa: 101_325, humidityPct: 45 };
const CTRL_HUM = 0xf2;
const STATUS = 0xf3;
const CTRL_MEAS = 0xf4;
const CONFIG = 0xf5;
/** Well after start-up. */
const T0 = 10_000;
/** All three with oversampling 1. */
const X1_US = 9300;

function aChip(sample: (atUs: number) => Climate = () => ROOM) {
  const model = new Bme280Model({ sample });
  const write = (atUs: number, ...pairs: number[]) => model.write(Uint8Array.from(pairs), atUs);
  const codes = (atUs: number) => {
    const d = readAt(model, 0xf7, 8, atUs);
    const word20 = (i: number) => ((d[i] ?? 0) << 12) | ((d[i + 1] ?? 0) << 4) | ((d[i + 2] ?? 0) >> 4);
    return { p: word20(0), t: word20(3), h: ((d[6] ?? 0) << 8) | (d[7] ?? 0) };
  };
  const at = (register: number, atUs: number) => readAt(model, register, 1, atUs)[0] ?? 0;
  return { model, write, codes, at };
}

describe("the BME280's formulas (Bosch BST-BME280-DS002, 4.2.3)", () => {
  it("give the example of the data sheet family: T 519888 is 25.08 °C, P 415148 is 100653.25 Pa", () => {
    const fine = fineTemperature(DEFAULT_CALIBRATION, 519_888);

    expect(fine).toBe(128_422);
    expect(centiCelsius(fine)).toBe(2508);
    expect(pressureQ24(DEFAULT_CALIBRATION, fine, 415_148)).toBe(25_767_233);
  });

  it("are inverted by the smallest code that reaches the quantity", () => {
    const climate = fc.record({
      temperatureC: fc.double({ min: -40, max: 85, noNaN: true }),
      pressurePa: fc.double({ min: 30_000, max: 110_000, noNaN: true }),
      humidityPct: fc.double({ min: 1, max: 95, noNaN: true }),
    });
    fc.assert(
      fc.property(climate, (quantities) => {
        const { adcT, adcP, adcH } = encodeClimate(DEFAULT_CALIBRATION, quantities);
        const fine = fineTemperature(DEFAULT_CALIBRATION, adcT);
        const celsius = (code: number) => centiCelsius(fineTemperature(DEFAULT_CALIBRATION, code));
        const pressure = (code: number) => pressureQ24(DEFAULT_CALIBRATION, fine, code);
        const humidity = (code: number) => humidityQ22(DEFAULT_CALIBRATION, fine, code);
        expect(celsius(adcT)).toBeGreaterThanOrEqual(quantities.temperatureC * 100);
        expect(celsius(adcT - 1)).toBeLessThan(quantities.temperatureC * 100);
        expect(pressure(adcP)).toBeLessThanOrEqual(quantities.pressurePa * 256);
        expect(pressure(adcP - 1)).toBeGreaterThan(quantities.pressurePa * 256);
        expect(humidity(adcH)).toBeGreaterThanOrEqual(quantities.humidityPct * 1024);
        expect(humidity(adcH - 1)).toBeLessThan(quantities.humidityPct * 1024);
      }),
    );
  });
});

describe("the BME280's registers (chapter 5)", () => {
  it("have their values after power-up: id 60h, everything skipped, busy copying for 2 ms", () => {
    const { at, codes } = aChip();

    expect(at(0xd0, 0)).toBe(0x60);
    expect(at(STATUS, 1999)).toBe(0x01);
    expect(at(STATUS, 2000)).toBe(0x00);
    expect([CTRL_HUM, CTRL_MEAS, CONFIG].map((register) => at(register, 0))).toEqual([0, 0, 0]);
    expect(codes(0)).toEqual({ p: 0x80000, t: 0x80000, h: 0x8000 });
  });

  it("are reset by B6h in E0h, and by no other value", () => {
    const { write, at, codes } = aChip();
    write(T0, CTRL_HUM, 1, CTRL_MEAS, 0x25);
    write(T0 + X1_US, 0xe0, 0xb5);
    expect(at(CTRL_MEAS, T0 + X1_US)).toBe(0x24);
    write(T0 + X1_US, 0xe0, 0xb6);

    expect(at(CTRL_MEAS, T0 + X1_US)).toBe(0);
    expect(at(STATUS, T0 + X1_US + 1999)).toBe(1);
    expect(codes(T0 + X1_US)).toEqual({ p: 0x80000, t: 0x80000, h: 0x8000 });
  });

  it("are not changed where they are read-only", () => {
    const { write, at } = aChip();
    write(T0, 0xd0, 0x11, 0x88, 0x11, STATUS, 0xff, 0xf7, 0x11);

    expect([0xd0, 0x88, STATUS, 0xf7].map((register) => at(register, T0))).toEqual([
      0x60,
      27_504 & 0xff,
      0,
      0x80,
    ]);
  });
});

describe("the BME280's measurements", () => {
  it("take the data sheet's longest time (appendix B): 9.3 ms at ×1, a skipped quantity nothing", () => {
    expect(measureUs(1, 1, 1)).toBe(9300);
    expect(measureUs(16, 16, 16)).toBe(112_800);
    expect(measureUs(0, 0, 0)).toBe(1250);
    const { write, at } = aChip();
    write(T0, CTRL_HUM, 1, CTRL_MEAS, 0x25);

    expect(at(STATUS, T0 + X1_US - 1)).toBe(0x08);
    expect(at(CTRL_MEAS, T0 + X1_US - 1)).toBe(0x25);
    expect(at(STATUS, T0 + X1_US)).toBe(0);
    expect(at(CTRL_MEAS, T0 + X1_US)).toBe(0x24);
  });

  it("use a humidity setting only after the next write of ctrl_meas (5.4.3)", () => {
    const { write, codes, at } = aChip();
    write(T0, CTRL_MEAS, 0x27);
    write(T0, CTRL_HUM, 1);
    expect(at(CTRL_HUM, T0)).toBe(1);
    expect(codes(T0 + 500_000).h).toBe(0x8000);

    write(T0 + 500_000, CTRL_MEAS, 0x27);
    expect(codes(T0 + 600_000).h).not.toBe(0x8000);
  });

  it("sample at the start", () => {
    const { write, codes } = aChip((atUs) => ({ ...ROOM, temperatureC: atUs === T0 ? 10 : 30 }));
    write(T0, CTRL_MEAS, 0x25);

    const { adcT } = encodeClimate(DEFAULT_CALIBRATION, { ...ROOM, temperatureC: 10 });
    expect(codes(T0 + X1_US)).toMatchObject({ t: adcT, h: 0x8000 });
  });

  it("delay a mode change to their end and ignore further ones (3.3.1)", () => {
    const { write, at } = aChip();
    write(T0, CTRL_HUM, 1, CTRL_MEAS, 0x25);
    write(T0 + 100, CTRL_MEAS, 0x48);
    write(T0 + 200, CTRL_MEAS, 0xff);

    expect(at(CTRL_MEAS, T0 + 300)).toBe(0x25);
    expect(at(CTRL_MEAS, T0 + X1_US)).toBe(0x48);
  });

  it("repeat in normal mode after the standby time, in which config cannot be written (5.4.6)", () => {
    const starts: number[] = [];
    const { write, at, codes } = aChip((atUs) => {
      starts.push(atUs);
      return ROOM;
    });
    // Standby 62.5 ms, no filter, pressure and temperature ×1.
    write(T0, CONFIG, 0x20, CTRL_MEAS, 0x27);
    write(T0, CONFIG, 0xe0);
    expect(at(CONFIG, T0)).toBe(0x20);

    const periodUs = measureUs(1, 1, 0) + 62_500;
    codes(T0 + periodUs);
    codes(T0 + 100 * periodUs);
    expect(starts).toEqual([T0, T0 + periodUs, T0 + 99 * periodUs, T0 + 100 * periodUs]);
  });
});

describe("the BME280's filter (3.4.4)", () => {
  /** Temperature codes of single measurements of a step from 10 to 30 °C. */
  function step(filterBits: number, count: number): number[] {
    const { write, codes } = aChip((atUs) => ({ ...ROOM, temperatureC: atUs <= T0 ? 10 : 30 }));
    write(T0 - 1, CONFIG, filterBits << 2);
    return Array.from({ length: count }, (_, i) => {
      write(T0 + i * 20_000, CTRL_MEAS, 0x25);
      return codes(T0 + i * 20_000 + X1_US).t;
    });
  }
  const code = (celsius: number) =>
    encodeClimate(DEFAULT_CALIBRATION, { ...ROOM, temperatureC: celsius }).adcT;

  it.each([
    [1, 2],
    [2, 4],
    [3, 8],
    [4, 16],
    [7, 16],
  ])("with setting %i is old·(c−1)/c + new/c, c = %i", (bits, c) => {
    let expected = code(10);
    const filtered = Array.from({ length: 10 }, (_, i) => {
      if (i > 0) expected = (expected * (c - 1)) / c + code(30) / c;
      return Math.floor(expected);
    });

    expect(step(bits, 10)).toEqual(filtered);
  });

  it("reaches a new value in the end, and is forgotten by a reset", () => {
    expect(code(30) - (step(4, 400).at(-1) ?? 0)).toBeLessThanOrEqual(1);
    const { model, write, codes } = aChip((atUs) => ({ ...ROOM, temperatureC: atUs <= T0 ? 10 : 30 }));
    write(T0, CONFIG, 0x10, CTRL_MEAS, 0x25);
    model.powerCut();
    model.powerOn(T0 + 20_000);
    write(T0 + 30_000, CONFIG, 0x10, CTRL_MEAS, 0x25);

    expect(codes(T0 + 50_000).t).toBe(code(30));
  });

  it("passes a skipped quantity by", () => {
    const { write, codes } = aChip();
    write(T0, CONFIG, 0x10, CTRL_MEAS, 0x21);

    expect(codes(T0 + X1_US)).toEqual({ p: 0x80000, t: code(21.5), h: 0x8000 });
  });
});
