import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ads1115Model } from "../../../sim/devices/ads1115.ts";
import { ads1115Code } from "../../../sim/devices/ads1115-codes.ts";
import { wordAt, writeWord } from "./registers.ts";

const CONVERSION = 0;
const CONFIG = 1;
const LOW = 2;
const HIGH = 3;
/** Single shot of AIN0, ±2.048 V, 128 SPS, comparator off. */
const SHOT = 0xc583;
const SHOT_US = 7813;

function aConverter(volts: (input: number, atUs: number) => number, slowness = 1) {
  const alerts: [level: number, atUs: number][] = [];
  const model = new Ads1115Model({ volts, slowness, onAlert: (level, atUs) => alerts.push([level, atUs]) });
  /** Code of one conversion with a configuration, at a time far from the others. */
  const convert = (config: number, atUs: number) => {
    writeWord(model, CONFIG, config, atUs);
    return wordAt(model, CONVERSION, atUs + 200_000);
  };
  return { model, alerts, convert };
}

describe("the ADS1115's codes", () => {
  // TI SBAS444, table 3 "Input signal versus ideal output code".
  it.each([
    [1, 0x7fff],
    [32_767 / 32_768, 0x7fff],
    [1 / 32_768, 0x0001],
    [0, 0x0000],
    [-1 / 32_768, 0xffff],
    [-1, 0x8000],
    [-1.5, 0x8000],
  ])("at %f of the full scale is %i in every gain", (fraction, code) => {
    [6.144, 4.096, 2.048, 1.024, 0.512, 0.256, 0.256, 0.256].forEach((fullScale, pga) => {
      expect(ads1115Code(fraction * fullScale, pga) & 0xffff).toBe(code);
    });
  });

  it("has the registers of 8.6 after power-up and after a general call reset", () => {
    const { model } = aConverter(() => 1);
    const registers = (atUs: number) => [0, 1, 2, 3].map((register) => wordAt(model, register, atUs));
    expect(registers(0)).toEqual([0, 0x8583, 0x8000, 0x7fff]);

    writeWord(model, CONFIG, SHOT, 0);
    writeWord(model, LOW, 0x1234, 0);
    model.generalCall(Uint8Array.of(0x06), 10);

    // The conversion under way is gone with the rest.
    expect(registers(100_000)).toEqual([0, 0x8583, 0x8000, 0x7fff]);
  });

  it("takes the difference of the inputs that MUX names (8.6.3)", () => {
    const inputs = [1, 0.75, 0.25, 0.125];
    const { convert } = aConverter((input) => inputs[input] ?? 0);
    const differences = [0.25, 0.875, 0.625, 0.125, 1, 0.75, 0.25, 0.125];

    differences.forEach((volts, mux) => {
      expect(convert(0x8583 | (mux << 12), mux * 1_000_000)).toBe(volts * 16_000);
    });
  });
});

describe("the ADS1115's conversions", () => {
  const RATES: readonly [rate: number, us: number][] = [
    [0, 125_000],
    [1, 62_500],
    [2, 31_250],
    [3, 15_625],
    [4, 7813],
    [5, 4000],
    [6, 2105],
    [7, 1163],
  ];
  it.each(RATES)("at data rate %i last %i µs times the device's factor, with OS 0 until then", (rate, us) => {
    for (const slowness of [0.9, 1, 1.1]) {
      const { model } = aConverter((_input, atUs) => (atUs === 0 ? 1 : 2), slowness);
      const endUs = Math.round(us * slowness);
      writeWord(model, CONFIG, (SHOT & ~0xe0) | (rate << 5), 0);

      expect(wordAt(model, CONFIG, endUs - 1) & 0x8000).toBe(0);
      expect(wordAt(model, CONVERSION, endUs - 1)).toBe(0);
      expect(wordAt(model, CONFIG, endUs) & 0x8000).toBe(0x8000);
      expect(wordAt(model, CONVERSION, endUs)).toBe(16_000);
    }
  });

  it("are not restarted by OS while one runs, nor started without it", () => {
    const { model } = aConverter((_input, atUs) => (atUs === 0 ? 1 : 2));
    writeWord(model, CONFIG, SHOT, 0);
    writeWord(model, CONFIG, SHOT, SHOT_US - 1);
    expect(wordAt(model, CONVERSION, SHOT_US)).toBe(16_000);

    writeWord(model, CONFIG, SHOT & 0x7fff, 10 * SHOT_US);
    expect(wordAt(model, CONVERSION, 20 * SHOT_US)).toBe(16_000);
  });

  it("follow each other in continuous mode, and end with the settings they began with", () => {
    const { model } = aConverter((input, atUs) => (input === 0 ? Math.floor(atUs / SHOT_US) * 0.001 : 1));
    writeWord(model, CONFIG, 0x4483, 0);

    expect(wordAt(model, CONFIG, 0) & 0x8000).toBe(0);
    expect(wordAt(model, CONVERSION, 5 * SHOT_US)).toBe(64);
    writeWord(model, CONFIG, 0x5483, 5 * SHOT_US + 1);
    expect(wordAt(model, CONVERSION, 6 * SHOT_US)).toBe(80);
    expect(wordAt(model, CONVERSION, 7 * SHOT_US)).toBe(16_000);
  });

  it("give the same result however rarely somebody looks", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50_000 }), { maxLength: 30 }), (waits) => {
        const ramp = (_input: number, atUs: number) => atUs * 1e-7;
        const often = aConverter(ramp, 1.07);
        const rarely = aConverter(ramp, 1.07);
        writeWord(often.model, CONFIG, 0x4483, 0);
        writeWord(rarely.model, CONFIG, 0x4483, 0);
        let atUs = 0;
        for (const wait of waits) {
          atUs += wait;
          often.model.advance(atUs);
        }
        expect(wordAt(rarely.model, CONVERSION, atUs)).toBe(wordAt(often.model, CONVERSION, atUs));
      }),
    );
  });
});

describe("the ADS1115's ALERT/RDY pin (8.3.7 and 8.3.8)", () => {
  /** Single shots of AIN0 with the given comparator bits; gives the level of the pin after each. */
  function levels(comparator: number, volts: readonly number[], low = 8000, high = 16_000): number[] {
    const { model, alerts } = aConverter((_input, atUs) => volts[Math.floor(atUs / 1e6)] ?? 0);
    writeWord(model, LOW, low & 0xffff, 0);
    writeWord(model, HIGH, high, 0);
    return volts.map((_, i) => {
      writeWord(model, CONFIG, (SHOT & ~0x1f) | comparator, i * 1e6);
      model.advance(i * 1e6 + 500_000);
      return alerts.at(-1)?.[0] ?? 1;
    });
  }

  it("is a comparator with hysteresis: low above Hi, released below Lo", () => {
    expect(levels(0x00, [0.9, 1.1, 0.9, 0.6, 0.4, 0.9])).toEqual([1, 0, 0, 0, 1, 1]);
  });

  it("is a window comparator, active high if told so", () => {
    expect(levels(0x18, [0.9, 1.1, 0.9, 0.4, 0.9])).toEqual([0, 1, 0, 1, 0]);
  });

  it.each([
    [0x00, [0, 0, 0, 0]],
    [0x01, [1, 0, 0, 0]],
    [0x02, [1, 1, 1, 0]],
    [0x03, [1, 1, 1, 1]],
  ])("asserts after as many conversions as the queue %i says, never when disabled", (queue, expected) => {
    expect(levels(queue, [1.1, 1.1, 1.1, 1.1])).toEqual(expected);
  });

  it("latches until the conversion is read", () => {
    let volts = 1.1;
    const { model, alerts } = aConverter(() => volts);
    writeWord(model, LOW, 8000, 0);
    writeWord(model, HIGH, 16_000, 0);
    writeWord(model, CONFIG, (SHOT & ~0x1f) | 0x04, 0);
    model.advance(10_000);
    volts = 0;
    writeWord(model, CONFIG, (SHOT & ~0x1f) | 0x04, 20_000);
    model.advance(30_000);
    expect(alerts).toEqual([[0, SHOT_US]]);

    wordAt(model, CONVERSION, 40_000);
    expect(alerts.at(-1)).toEqual([1, 40_000]);
  });

  it("tells the end of a single shot, until the next begins", () => {
    const { model, alerts } = aConverter(() => 1);
    writeWord(model, LOW, 0x0000, 0);
    writeWord(model, HIGH, 0x8000, 0);
    writeWord(model, CONFIG, SHOT & ~0x03, 0);
    expect(model.nextUs()).toBe(SHOT_US);
    model.advance(SHOT_US);
    writeWord(model, CONFIG, SHOT & ~0x03, 20_000);

    expect(alerts).toEqual([
      [0, SHOT_US],
      [1, 20_000],
    ]);
  });

  it("gives a pulse of 8 µs after each conversion in continuous mode", () => {
    const { model, alerts } = aConverter(() => 1);
    writeWord(model, LOW, 0x0000, 0);
    writeWord(model, HIGH, 0x8000, 0);
    writeWord(model, CONFIG, 0x4480, 0);
    model.advance(2 * SHOT_US);

    expect(alerts).toEqual([
      [0, SHOT_US],
      [1, SHOT_US + 8],
      [0, 2 * SHOT_US],
      [1, 2 * SHOT_US + 8],
    ]);
  });
});
