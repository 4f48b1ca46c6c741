import { describe, expect, it } from "vitest";
import { Sht31Model } from "../../../sim/devices/sht31.ts";
import { sht31Crc, sht31Frame } from "../../../sim/devices/sht31-frame.ts";
import { command } from "./registers.ts";

const STATUS = 0xf32d;
const FETCH = 0xe000;
const BREAK = 0x3093;
/** Well after power-up. */
const T0 = 10_000;

function aSensor(temperatureC: (atUs: number) => number = () => 25, humidityPct = () => 50) {
  const model = new Sht31Model({
    sample: (atUs) => ({ temperatureC: temperatureC(atUs), humidityPct: humidityPct() }),
  });
  const status = (atUs: number) => {
    command(model, STATUS, atUs);
    const [high = 0, low = 0, crc] = model.read(3, atUs) ?? [];
    expect(crc).toBe(sht31Crc([high, low]));
    return (high << 8) | low;
  };
  const celsius = (frame: Uint8Array | null) =>
    frame === null
      ? null
      : Math.round((-45 + (175 * (((frame[0] ?? 0) << 8) | (frame[1] ?? 0))) / 65_535) * 100) / 100;
  return { model, status, celsius };
}

describe("the SHT31's words (Sensirion SHT3x-DIS, 4.12 and 4.13)", () => {
  it("carry the checksum of the data sheet's example: BEEFh gives 92h", () => {
    expect(sht31Crc([0xbe, 0xef])).toBe(0x92);
  });

  it("are clamped at the ends of the scale", () => {
    expect(sht31Frame(-45, 0)).toMatchObject({ rawT: 0, rawRH: 0 });
    expect(sht31Frame(130, 100)).toMatchObject({ rawT: 65_535, rawRH: 65_535 });
    expect(sht31Frame(-100, -5)).toMatchObject({ rawT: 0, rawRH: 0 });
    expect(sht31Frame(500, 120)).toMatchObject({ rawT: 65_535, rawRH: 65_535 });
  });
});

describe("the SHT31's single shots (4.3, tables 4 and 9)", () => {
  it.each([
    [0x2400, 15_000],
    [0x240b, 6_000],
    [0x2416, 4_000],
  ])("%i is not acknowledged before its longest time is over, and read once", (shot, us) => {
    const { model, celsius } = aSensor((atUs) => (atUs === T0 ? 25 : 99));
    expect(command(model, shot, T0)).toBe(true);

    expect(model.read(6, T0 + us - 1)).toBeNull();
    expect(command(model, shot, T0 + us - 1)).toBe(false);
    expect(celsius(model.read(6, T0 + us))).toBe(25);
    expect(model.read(6, T0 + us)).toBeNull();
  });

  it.each([
    [0x2c06, 15],
    [0x2c0d, 6],
    [0x2c10, 4],
  ])("%i holds the clock for its %d ms", (shot, ms) => {
    const { model, celsius } = aSensor();
    command(model, shot, T0);

    expect(model.clockStretchMs(T0)).toBe(ms);
    expect(model.clockStretchMs(T0 + 1000)).toBe(ms - 1);
    expect(celsius(model.read(6, T0 + ms * 1000))).toBe(25);
    expect(model.clockStretchMs(T0 + ms * 1000)).toBe(0);
  });

  it("heats the sensor by 3 °C while the heater is on (4.10)", () => {
    const { model, celsius, status } = aSensor();
    command(model, 0x306d, T0);
    expect(status(T0) & 0x2000).toBe(0x2000);
    command(model, 0x2416, T0);
    expect(celsius(model.read(6, T0 + 4000))).toBe(28);

    command(model, 0x3066, T0 + 5000);
    command(model, 0x2416, T0 + 5000);
    expect(celsius(model.read(6, T0 + 9000))).toBe(25);
    expect(status(T0 + 9000) & 0x2000).toBe(0);
  });
});

describe("the SHT31's periodic acquisition (4.5 to 4.8)", () => {
  const RATES: readonly [rate: number, commands: readonly number[]][] = [
    [0.5, [0x2032, 0x2024, 0x202f]],
    [1, [0x2130, 0x2126, 0x212d]],
    [2, [0x2236, 0x2220, 0x222b]],
    [4, [0x2334, 0x2322, 0x2329]],
    [10, [0x2737, 0x2721, 0x272a]],
  ];
  const cases = RATES.flatMap(([rate, commands]) =>
    commands.map(
      (start, i) => [start.toString(16), start, 1e6 / rate, [15_000, 6_000, 4_000][i] ?? 0] as const,
    ),
  );

  it.each(cases)("%s measures at its rate, each result fetched once", (_hex, start, periodUs, us) => {
    const { model, celsius } = aSensor((atUs) => (atUs - T0) / periodUs);
    const fetch = (atUs: number) => (command(model, FETCH, atUs) ? celsius(model.read(6, atUs)) : "refused");
    command(model, start, T0);

    expect(fetch(T0 + us - 1)).toBeNull();
    expect(fetch(T0 + us)).toBe(0);
    expect(fetch(T0 + us + 1)).toBeNull();
    expect(fetch(T0 + periodUs + us - 1)).toBeNull();
    expect(fetch(T0 + periodUs + us)).toBe(1);
    expect(fetch(T0 + 50 * periodUs + us)).toBe(50);
  });

  it("takes nothing but fetch and break, and 1 ms after the break single shots again", () => {
    const { model, celsius } = aSensor();
    command(model, 0x2737, T0);
    expect(command(model, 0x2400, T0 + 500_000)).toBe(false);
    expect(command(model, BREAK, T0 + 500_000)).toBe(true);
    expect(command(model, 0x2416, T0 + 500_999)).toBe(false);
    expect(command(model, 0x2416, T0 + 501_000)).toBe(true);

    expect(celsius(model.read(6, T0 + 505_000))).toBe(25);
    expect(command(model, FETCH, T0 + 505_000)).toBe(false);
  });

  it("raises the tracking alerts of the default limits: over 60 °C, back under 58 °C", () => {
    let temperature = 25;
    const { model, status } = aSensor(() => temperature);
    const after = (celsius: number, fromUs: number) => {
      temperature = celsius;
      command(model, 0x2737, fromUs);
      command(model, BREAK, fromUs + 50_000);
      return status(fromUs + 60_000) & 0x8c00;
    };
    command(model, 0x3041, T0);

    expect(after(25, T0)).toBe(0);
    expect(after(61, T0 + 100_000)).toBe(0x8400);
    expect(after(59, T0 + 200_000)).toBe(0x8400);
    // The pending alert stays until the status is cleared.
    expect(after(57, T0 + 300_000)).toBe(0x8000);
    expect(after(-11, T0 + 400_000)).toBe(0x8400);
  });
});

describe("the SHT31's status register (4.11)", () => {
  it("reads 8010h after a reset, and the clear command takes bits 15, 11, 10 and 4", () => {
    const { model, status } = aSensor();
    expect(status(T0)).toBe(0x8010);
    command(model, 0x306d, T0);
    command(model, 0x3041, T0);
    expect(status(T0)).toBe(0x2000);

    expect(command(model, 0x30a2, T0)).toBe(true);
    expect(command(model, STATUS, T0 + 1499)).toBe(false);
    expect(status(T0 + 1500)).toBe(0x8010);
  });

  it("flags an unknown command in bit 1 until the next good one", () => {
    const { model, status } = aSensor();
    command(model, 0x3041, T0);
    expect(command(model, 0x1234, T0)).toBe(false);
    expect(status(T0)).toBe(0x0002);
    expect(status(T0)).toBe(0);
  });

  it("flags a wrong checksum of written data in bit 0 and does not take the data", () => {
    const { model, status } = aSensor();
    const limit = (word: number, crc: number) =>
      model.write(Uint8Array.of(0x61, 0x1d, word >> 8, word & 0xff, crc), T0);
    const highSet = () => {
      command(model, 0xe11f, T0);
      return [...(model.read(3, T0) ?? [])];
    };
    command(model, 0x3041, T0);
    expect(highSet()).toEqual([0xcd, 0x33, sht31Crc([0xcd, 0x33])]);

    limit(0xbeef, 0x93);
    expect(status(T0)).toBe(0x0001);
    expect(highSet().slice(0, 2)).toEqual([0xcd, 0x33]);

    limit(0xbeef, 0x92);
    expect(status(T0)).toBe(0);
    expect(highSet()).toEqual([0xbe, 0xef, 0x92]);
  });

  it("is reset by a general call and by losing power, in any state", () => {
    const { model, status } = aSensor();
    command(model, 0x2032, T0);
    model.generalCall(Uint8Array.of(0x06), T0 + 100);
    expect(status(T0 + 1600)).toBe(0x8010);

    command(model, 0x306d, T0 + 2000);
    model.powerCut(T0 + 3000);
    model.powerOn(T0 + 4000);
    expect(command(model, STATUS, T0 + 5000)).toBe(false);
    expect(status(T0 + 5500)).toBe(0x8010);
  });
});
