import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ds3231Model } from "../../../sim/devices/ds3231.ts";
import {
  ds3231TemperatureRegisters,
  ds3231TimeRegisters,
  readTimeRegisters,
} from "../../../sim/devices/ds3231-registers.ts";
import { readAt } from "./registers.ts";

const UTC_MS = Date.UTC(2024, 1, 28, 23, 59, 50);
const SECOND = 1_000_000;

function aClock(options: Partial<ConstructorParameters<typeof Ds3231Model>[0]> = {}) {
  const model = new Ds3231Model({
    utcMsAt: (atUs) => UTC_MS + Math.floor(atUs / 1000),
    temperatureC: () => 25.25,
    ppm: 0,
    ...options,
  });
  const time = (atUs: number) => Buffer.from(readAt(model, 0, 7, atUs)).toString("hex");
  const status = (atUs: number) => readAt(model, 0x0f, 1, atUs)[0] ?? 0;
  return { model, time, status };
}

describe("the DS3231's registers (Maxim 19-5170, figure 1)", () => {
  it("hold BCD and count through the leap day", () => {
    const { time } = aClock();

    // Wednesday the 28th, ten seconds before midnight; weekday 3.
    expect(time(0)).toBe("50592303280224");
    expect(time(10 * SECOND)).toBe("00000004290224");
    expect(time(10 * SECOND - 1)).toBe("59592303280224");
  });

  it("write and read back every second of two centuries", () => {
    const range = { min: Date.UTC(2000, 0, 1) / 1000, max: Date.UTC(2199, 11, 31) / 1000 };
    fc.assert(
      fc.property(fc.integer(range), fc.boolean(), (seconds, twelveHour) => {
        const ms = seconds * 1000;
        const setting = readTimeRegisters(ds3231TimeRegisters(ms, { twelveHour }));
        expect(setting.ms).toBe(ms);
        expect(setting.twelveHour).toBe(twelveHour);
        expect(setting.weekday).toBe(((new Date(ms).getUTCDay() + 6) % 7) + 1);
      }),
    );
  });

  it("know 12-hour time: bit 6, PM in bit 5, midnight and noon are 12", () => {
    const hour = (h: number) => ds3231TimeRegisters(Date.UTC(2024, 0, 1, h), { twelveHour: true })[2];

    expect([0, 1, 11, 12, 13, 23].map(hour)).toEqual([0x52, 0x41, 0x51, 0x72, 0x61, 0x71]);
  });

  it.each([
    // Data sheet, "Temperature Registers": +25.25 °C is 19h 40h.
    [25.25, "1940"],
    [-10.25, "f5c0"],
    [0, "0000"],
    [-0.25, "ffc0"],
    [127.75, "7fc0"],
    [200, "7fc0"],
    [-128, "8000"],
  ])("show %f °C as %s", (celsius, hex) => {
    expect(Buffer.from(ds3231TemperatureRegisters(celsius)).toString("hex")).toBe(hex);
  });

  it("have the reset values of figure 1 and the oscillator stop flag at first power", () => {
    const { model, time } = aClock({ state: "new" });

    expect(time(0)).toBe("00000001010100");
    expect(readAt(model, 0x0e, 3, 0).map((byte, i) => (i === 1 ? byte & ~0x04 : byte))).toEqual([
      0x1c, 0x88, 0,
    ]);
  });

  it("wrap the register pointer from 12h to 00h", () => {
    const { model } = aClock();

    expect(readAt(model, 0x11, 4, SECOND).slice(2)).toEqual([0x51, 0x59]);
  });
});

describe("the DS3231's clock", () => {
  it("starts a new second with a write of the seconds and keeps the fraction otherwise", () => {
    const { model, time } = aClock();
    model.write(Uint8Array.of(0, 0x30), 700_000);
    expect(time(1_699_999).slice(0, 2)).toBe("30");
    expect(time(1_700_000).slice(0, 2)).toBe("31");

    model.write(Uint8Array.of(1, 0x10), 2_000_000);
    expect(time(2_699_999).slice(0, 4)).toBe("3110");
    expect(time(2_700_000).slice(0, 4)).toBe("3210");
  });

  it("counts the weekday from whatever was written", () => {
    const { model, time } = aClock();
    model.write(Uint8Array.of(3, 7), 0);

    expect(time(0).slice(6, 8)).toBe("07");
    expect(time(10 * SECOND).slice(6, 8)).toBe("01");
  });

  it("drifts by its own ppm", () => {
    const day = 86_400 * SECOND;

    // 2 ppm are 172.8 ms a day.
    expect(aClock({ ppm: 2 }).model.shownMs(day)).toBe(UTC_MS + 86_400_172);
    expect(aClock({ ppm: -2 }).model.shownMs(day)).toBe(UTC_MS + 86_399_827);
  });

  it("lets the stop flag and the alarm flags be cleared but not set", () => {
    const { model, status } = aClock({ state: "new" });
    model.write(Uint8Array.of(0x0f, 0x00), SECOND);
    expect(status(SECOND)).toBe(0);

    model.write(Uint8Array.of(0x0f, 0x8b), SECOND);
    expect(status(SECOND)).toBe(0x08);
  });
});

describe("the DS3231 without supply", () => {
  it("keeps time and settings on its battery", () => {
    const { model, time, status } = aClock();
    model.write(Uint8Array.of(0x10, 0x05), 0);
    model.powerCut(SECOND);
    model.powerOn(10 * SECOND);

    expect(time(10 * SECOND)).toBe("00000004290224");
    expect(status(10 * SECOND) & 0x80).toBe(0);
    expect(readAt(model, 0x10, 1, 10 * SECOND)).toEqual([5]);
  });

  it.each(["before the cut", "during it"])("loses them and raises OSF when the battery goes %s", (when) => {
    const { model, time, status } = aClock();
    if (when === "before the cut") model.loseBattery(0);
    expect(status(0) & 0x80).toBe(0);
    model.powerCut(SECOND);
    if (when === "during it") model.loseBattery(2 * SECOND);
    model.powerOn(10 * SECOND);

    expect(time(12 * SECOND)).toBe("02000001010100");
    expect(status(12 * SECOND) & 0x80).toBe(0x80);
  });

  it("stands still on battery with EOSC set, and says so", () => {
    const { model, time, status } = aClock();
    model.write(Uint8Array.of(0x0e, 0x9c), 0);
    model.powerCut(SECOND);
    model.powerOn(100 * SECOND);

    expect(time(100 * SECOND).slice(0, 2)).toBe("51");
    expect(time(101 * SECOND).slice(0, 2)).toBe("52");
    expect(status(100 * SECOND) & 0x80).toBe(0x80);
  });
});

describe("the DS3231's thermometer", () => {
  const temperature = (model: Ds3231Model, atUs: number) => {
    const [high = 0, low = 0] = readAt(model, 0x11, 2, atUs);
    return high + low / 256;
  };

  it("converts every 64 s, from what it was at the start", () => {
    const { model, status } = aClock({ temperatureC: (atUs) => 10 + atUs / (32 * SECOND) });

    expect(status(SECOND / 10) & 0x04).toBe(0x04);
    expect(temperature(model, SECOND)).toBe(10);
    expect(temperature(model, 63 * SECOND)).toBe(10);
    expect(temperature(model, 64 * SECOND + 199_999)).toBe(10);
    expect(temperature(model, 64 * SECOND + 200_000)).toBe(12);
    expect(temperature(model, 640 * SECOND)).toBe(10 + 2 * 9);
  });

  it("converts at once when asked, and shows that it is busy", () => {
    const { model, status } = aClock({ temperatureC: (atUs) => (atUs < 10 * SECOND ? 10 : 20) });
    temperature(model, SECOND);
    model.write(Uint8Array.of(0x0e, 0x3c), 10 * SECOND);

    expect(status(10 * SECOND) & 0x04).toBe(0x04);
    expect(readAt(model, 0x0e, 1, 10 * SECOND)).toEqual([0x3c]);
    expect(temperature(model, 10 * SECOND + 200_000)).toBe(20);
    expect(readAt(model, 0x0e, 1, 10 * SECOND + 200_000)).toEqual([0x1c]);
    expect(status(10 * SECOND + 200_000) & 0x04).toBe(0);
  });
});
