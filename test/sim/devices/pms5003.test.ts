import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import { Pms5003Model, pms5003Frame } from "../../../sim/devices/pms5003.ts";

const SECOND = 1_000_000;
const FRAME_US = 32 * 1042;
const AIR = { pm1: 5, pm25: 12, pm10: 18 };

// PMS5003 data manual V2.3, appendix II: start, command, two data bytes, sum.
const PASSIVE = fromHex("424de100000170");
const ACTIVE = fromHex("424de100010171");
const READ = fromHex("424de200000171");
const SLEEP = fromHex("424de400000173");
const WAKE = fromHex("424de400010174");

const aSensor = (settleUs = 0) => new Pms5003Model({ matter: () => AIR, settleUs });

describe("the frame of the PMS5003", () => {
  it("is what the data manual's appendix I says", () => {
    const counts = [600, 180, 40, 6, 2, 1];
    const frame = pms5003Frame({ ...AIR, counts });
    const words = new DataView(frame.buffer);

    expect(toHex(frame.subarray(0, 4))).toBe("424d001c");
    expect(Array.from({ length: 12 }, (_, i) => words.getUint16(4 + 2 * i))).toEqual([
      5,
      12,
      18,
      5,
      12,
      18,
      ...counts,
    ]);
    expect(words.getUint16(30)).toBe(frame.subarray(0, 30).reduce((total, byte) => total + byte, 0));
  });

  it("has 32 bytes and a right sum for any air", () => {
    const mass = fc.double({ min: -10, max: 1e6, noNaN: true });

    fc.assert(
      fc.property(mass, mass, mass, (pm1, pm25, pm10) => {
        const frame = pms5003Frame({ pm1, pm25, pm10 });

        expect(frame).toHaveLength(32);
        expect(new DataView(frame.buffer).getUint16(30)).toBe(
          frame.subarray(0, 30).reduce((total, byte) => total + byte, 0),
        );
      }),
    );
  });
});

describe("the PMS5003", () => {
  it("sends one frame a second after power-up", () => {
    const sensor = aSensor();

    expect(sensor.nextSentUs(0)).toBe(SECOND + 1042);
    expect(toHex(sensor.sentBetween(0, SECOND + FRAME_US))).toBe(toHex(pms5003Frame(AIR)));
    expect(sensor.sentBetween(SECOND + FRAME_US, 2 * SECOND + 1041)).toHaveLength(0);
    expect(sensor.sentBetween(SECOND + FRAME_US, 10 * SECOND)).toHaveLength(8 * 32);
  });

  it("rises to the truth in the 30 s after power-up", () => {
    const sensor = new Pms5003Model({ matter: () => ({ ...AIR, pm25: 100 }) });
    const pm25 = (second: number): number =>
      sensor.sentBetween(second * SECOND, second * SECOND + FRAME_US)[7] ?? -1;

    expect([pm25(3), pm25(15), pm25(30), pm25(31)]).toEqual([10, 50, 100, 100]);
  });

  it("in passive mode answers requests only", () => {
    const sensor = aSensor();
    sensor.received(PASSIVE, 500_000);
    expect(sensor.sentBetween(0, 5 * SECOND)).toHaveLength(0);
    expect(sensor.nextSentUs(5 * SECOND)).toBeNull();

    sensor.received(READ, 5 * SECOND);
    expect(toHex(sensor.sentBetween(5 * SECOND, 5 * SECOND + FRAME_US))).toBe(toHex(pms5003Frame(AIR)));

    sensor.received(ACTIVE, 6 * SECOND);
    sensor.received(READ, 6 * SECOND);
    expect(sensor.sentBetween(6 * SECOND, 7 * SECOND)).toHaveLength(0);
    expect(sensor.sentBetween(7 * SECOND, 7 * SECOND + FRAME_US)).toHaveLength(32);
  });

  it("asleep sends nothing, even on request, and settles anew after waking", () => {
    const sensor = aSensor(30 * SECOND);
    sensor.received(SLEEP, 40 * SECOND + 100);
    sensor.received(READ, 41 * SECOND);
    expect(sensor.sentBetween(40 * SECOND + 100, 60 * SECOND)).toHaveLength(0);

    sensor.received(WAKE, 60 * SECOND);
    const frame = sensor.sentBetween(60 * SECOND, 75 * SECOND + FRAME_US).slice(-32);
    expect(frame[7]).toBe(6);
  });

  it("forgets its mode with its power", () => {
    const sensor = aSensor();
    sensor.received(PASSIVE, 100);
    sensor.powerCut(2 * SECOND);
    sensor.received(ACTIVE, 3 * SECOND);
    expect(sensor.sentBetween(0, 5 * SECOND)).toHaveLength(0);

    sensor.powerOn(5 * SECOND);
    expect(sensor.sentBetween(5 * SECOND, 6 * SECOND + FRAME_US)).toHaveLength(32);
  });

  it("finds a command in noise, and takes none whose sum is wrong", () => {
    const wrong = PASSIVE.map((byte, i) => (i === 6 ? byte ^ 1 : byte));
    const sensor = aSensor();
    sensor.received(wrong, 100);
    expect(sensor.sentBetween(0, SECOND + FRAME_US)).toHaveLength(32);

    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 30 }), (noise) => {
        const other = aSensor();
        other.received(Uint8Array.of(...noise, 0, 0, 0, 0, 0, 0, 0, ...SLEEP), 100);

        expect(other.sentBetween(0, 3 * SECOND)).toHaveLength(0);
      }),
    );
  });
});
