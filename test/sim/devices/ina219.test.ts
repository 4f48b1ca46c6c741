import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ina219Model, ina219Codes, ina219Math } from "../../../sim/devices/ina219.ts";
import { wordAt, writeWord } from "./registers.ts";

const CONFIG = 0;
const SHUNT = 1;
const BUS = 2;
const POWER = 3;
const CURRENT = 4;
const CALIBRATION = 5;
/** Both quantities with 12 bits, 586 µs each at most. */
const CYCLE_US = 2 * 586;

const aMonitor = (shuntUv: number, busMv: number) => new Ina219Model({ sample: () => ({ shuntUv, busMv }) });

describe("the INA219 model against the data sheet", () => {
  it("has the register contents of table 2 after power-up", () => {
    const model = aMonitor(0, 0);

    expect([0, 1, 2, 3, 4, 5].map((register) => wordAt(model, register, 0))).toEqual([0x399f, 0, 0, 0, 0, 0]);
  });

  it("gives the figures of the programming example (SBOS448, table 8): 10 A through 2 mΩ at 11.98 V", () => {
    const model = aMonitor(20_000, 11_980);
    writeWord(model, CONFIG, 0x019f, 0);
    writeWord(model, CALIBRATION, 0x5000, 0);

    expect(wordAt(model, SHUNT, CYCLE_US)).toBe(0x07d0);
    // 5D98h in the table, which leaves out the conversion ready bit.
    expect(wordAt(model, BUS, CYCLE_US)).toBe(0x5d98 | 2);
    expect(wordAt(model, CURRENT, CYCLE_US)).toBe(0x2710);
    expect(wordAt(model, POWER, CYCLE_US)).toBe(0x1766);
  });

  it.each([
    [320_000, 0x399f, 0x7d00],
    [-320_000, 0x399f, 0x8300],
    [400_000, 0x399f, 0x7d00],
    [160_000, 0x319f, 0x3e80],
    [-160_000, 0x319f, 0xc180],
    [80_000, 0x299f, 0x1f40],
    [40_000, 0x219f, 0x0fa0],
    [50_000, 0x219f, 0x0fa0],
    [-40_000, 0x219f, 0xf060],
  ])("shows %i µV with configuration %i as the shunt table says (SBOS448, table 7)", (uv, config, code) => {
    expect(ina219Codes({ shuntUv: uv, busMv: 0 }, config).shunt & 0xffff).toBe(code);
  });

  it("keeps current and power at 0 until the calibration is written, whose bit 0 stays 0", () => {
    const model = aMonitor(20_000, 11_980);
    expect([wordAt(model, CURRENT, CYCLE_US), wordAt(model, POWER, CYCLE_US)]).toEqual([0, 0]);

    writeWord(model, CALIBRATION, 0x5001, CYCLE_US);

    expect(wordAt(model, CALIBRATION, CYCLE_US)).toBe(0x5000);
    expect(wordAt(model, CURRENT, CYCLE_US)).toBe(0x2710);
  });

  it("signs the current but not the power", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4000 }),
        fc.integer({ min: 0, max: 4096 }),
        (shunt, calibration) => {
          const forward = ina219Math({ shunt, bus: 3000 }, calibration);
          const back = ina219Math({ shunt: -shunt + 0, bus: 3000 }, calibration);
          expect(back.current).toBe(0 - forward.current);
          expect(back.power).toBe(forward.power);
          expect(forward.current).toBe(Math.trunc((shunt * calibration) / 4096));
        },
      ),
    );
  });

  it("raises OVF when current or power do not fit", () => {
    const model = aMonitor(320_000, 12_000);
    writeWord(model, CALIBRATION, 0xfffe, 0);

    expect(wordAt(model, BUS, CYCLE_US) & 1).toBe(1);
  });
});

describe("the INA219's conversions", () => {
  it("set CNVR at the end, and a read of the power register or a new mode clears it", () => {
    const model = aMonitor(1000, 5000);
    const ready = (atUs: number) => (wordAt(model, BUS, atUs) >> 1) & 1;
    writeWord(model, CONFIG, 0x399b, 0);

    expect(ready(CYCLE_US - 1)).toBe(0);
    expect(ready(CYCLE_US)).toBe(1);
    wordAt(model, POWER, CYCLE_US);
    expect(ready(CYCLE_US)).toBe(0);
    // Triggered: nothing more comes by itself.
    expect(ready(100 * CYCLE_US)).toBe(0);
    writeWord(model, CONFIG, 0x399b, 100 * CYCLE_US);
    expect(ready(101 * CYCLE_US)).toBe(1);
    // Power-down leaves the flag alone (SBOS448, 8.6.3.1).
    writeWord(model, CONFIG, 0x3998, 101 * CYCLE_US);
    expect(ready(101 * CYCLE_US)).toBe(1);
    writeWord(model, CONFIG, 0x399b, 101 * CYCLE_US);
    expect(ready(101 * CYCLE_US)).toBe(0);
  });

  it("read the quantities at their start and only those that the mode names", () => {
    const model = new Ina219Model({ sample: (atUs) => ({ shuntUv: atUs, busMv: atUs }) });
    writeWord(model, CONFIG, 0x399d, 1000);

    expect(wordAt(model, SHUNT, 1000 + 586)).toBe(100);
    expect(wordAt(model, BUS, 1000 + 586) >> 3).toBe(0);
  });

  it("take 68.1 ms each with 128 averages (SBOS448, table 5)", () => {
    const model = aMonitor(1000, 5000);
    writeWord(model, CONFIG, 0x3ffb, 0);

    expect(wordAt(model, SHUNT, 136_199)).toBe(0);
    expect(wordAt(model, SHUNT, 136_200)).toBe(100);
  });

  it("begin anew after the reset bit and after a power cut", () => {
    const model = aMonitor(1000, 5000);
    writeWord(model, CALIBRATION, 4096, 0);
    writeWord(model, CONFIG, 0x8000, 10);
    expect([wordAt(model, CONFIG, 10), wordAt(model, CALIBRATION, 10)]).toEqual([0x399f, 0]);

    writeWord(model, CALIBRATION, 4096, 20);
    model.powerCut();
    model.powerOn(1000);

    expect(wordAt(model, CALIBRATION, 1000)).toBe(0);
    expect(wordAt(model, SHUNT, 1000 + CYCLE_US)).toBe(100);
  });
});
