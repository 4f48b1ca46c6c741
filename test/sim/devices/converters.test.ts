import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex } from "../../../firmware/core/bytes.ts";
import { Max31855Model, max31855Frame } from "../../../sim/devices/max31855.ts";
import { Mcp3008Model, mcp3008Code } from "../../../sim/devices/mcp3008.ts";

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);

describe("the MAX31855", () => {
  // 19-5793, table 4: thermocouple temperature data format.
  it.each([
    [1600, "01100100000000"],
    [1000, "00111110100000"],
    [100.75, "00000110010011"],
    [25, "00000001100100"],
    [0, "00000000000000"],
    [-0.25, "11111111111111"],
    [-1, "11111111111100"],
    [-250, "11110000011000"],
  ])("gives %d °C at the thermocouple as %s", (celsius, bits) => {
    const frame = word(max31855Frame(celsius, 0));

    expect((frame >>> 18).toString(2).padStart(14, "0")).toBe(bits);
    expect(frame & 0x3ffff).toBe(0);
  });

  // 19-5793, table 5: reference junction temperature data format.
  it.each([
    [127, "011111110000"],
    [100.5625, "011001001001"],
    [25, "000110010000"],
    [0, "000000000000"],
    [-0.0625, "111111111111"],
    [-1, "111111110000"],
    [-20, "111011000000"],
    [-55, "110010010000"],
  ])("gives %d °C at the junction as %s", (celsius, bits) => {
    const frame = word(max31855Frame(0, celsius));

    expect(((frame >>> 4) & 0xfff).toString(2).padStart(12, "0")).toBe(bits);
  });

  it("raises the fault bit with each fault of the wiring", () => {
    expect(word(max31855Frame(0, 0, { oc: true }))).toBe(0x00010001);
    expect(word(max31855Frame(0, 0, { scg: true }))).toBe(0x00010002);
    expect(word(max31855Frame(0, 0, { scv: true }))).toBe(0x00010004);
    expect(word(max31855Frame(0, 0, { oc: false }))).toBe(0);
  });

  it("stays within half a step of the quantity and inside its fields", () => {
    const celsius = fc.double({ min: -3000, max: 3000, noNaN: true });

    fc.assert(
      fc.property(celsius, celsius, (t, j) => {
        const frame = new DataView(max31855Frame(t, j).buffer);
        const thermocouple = (frame.getInt32(0) >> 18) / 4;
        const junction = (frame.getInt16(2) >> 4) / 16;

        expect(Math.abs(thermocouple - Math.max(-2048, Math.min(2047.75, t)))).toBeLessThanOrEqual(0.125);
        expect(Math.abs(junction - Math.max(-128, Math.min(127.9375, j)))).toBeLessThanOrEqual(0.03125);
        expect(frame.getUint32(0) & 0x2000f).toBe(0);
      }),
    );
  });

  it("has a new value every 100 ms, of the beginning of its conversion, and none for 200 ms after power-up", () => {
    const asked: number[] = [];
    const model = new Max31855Model({
      thermocoupleC: (atUs) => {
        asked.push(atUs);
        return atUs / 1e6;
      },
      junctionC: () => 0,
    });
    const read = (nowUs: number) => (word(model.transfer(new Uint8Array(4), nowUs)) >>> 18) / 4;

    expect(read(199_999)).toBe(0);
    expect(asked).toEqual([]);
    expect(read(5_000_000)).toBe(5);
    expect(read(5_099_999)).toBe(5);
    expect(read(5_100_000)).toBe(5);
    expect(asked).toEqual([4_900_000, 5_000_000]);

    model.powerCut();
    expect(read(6_000_000)).toBe(0);
    model.powerOn(7_000_000);
    expect(read(7_199_999)).toBe(0);
    expect(read(7_200_000)).toBe(7);
    expect(asked.at(-1)).toBe(7_100_000);
  });

  it("gives as many bits as it is clocked for, and zeros after the 32nd", () => {
    const model = new Max31855Model({ thermocoupleC: () => 100.75, junctionC: () => 25 });

    expect(toHex(model.transfer(new Uint8Array(2), 1e6))).toBe("064c");
    expect(toHex(model.transfer(new Uint8Array(6), 1e6))).toBe("064c19000000");
  });
});

describe("the MCP3008", () => {
  const model = (volts: readonly number[], vref = 5) =>
    new Mcp3008Model({ vref, volts: (channel) => volts[channel] ?? 0 });
  const bits = (bytes: Uint8Array): string =>
    [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");

  it("gives the code of DS21295 4.1 and stays within ten bits", () => {
    expect(mcp3008Code(1, 5)).toBe(Math.floor((1024 * 1) / 5));
    expect(mcp3008Code(5, 5)).toBe(1023);
    expect(mcp3008Code(9, 5)).toBe(1023);
    expect(mcp3008Code(-0.1, 5)).toBe(0);
    expect(mcp3008Code(5 / 1024, 5)).toBe(1);
    expect(mcp3008Code(5 / 1024 - 1e-9, 5)).toBe(0);
  });

  it("answers in the segments of figure 6-1: null bit and B9, B8 in the second byte, B7 to B0 in the third", () => {
    const answer = model([0, 0, 0, 0, 0, 0, 0, (0x2a5 * 5) / 1024 + 0.001]).transfer(
      Uint8Array.of(0x01, 0xf0, 0x00),
      0,
    );

    expect(toHex(answer)).toBe("0002a5");
  });

  it("goes on with the bits LSB first from B1, then zeros (figure 5-2)", () => {
    const code = 0b1011001110;
    const answer = model([(code * 5) / 1024 + 0.001]).transfer(Uint8Array.of(0x01, 0x80, 0, 0, 0, 0), 0);

    expect(bits(answer).slice(14)).toBe(`1011001110${"111001101"}${"0".repeat(15)}`);
  });

  it("takes pairs of channels, the first of the two by the last bit, and never less than zero (table 5-2)", () => {
    const pair = model([1, 0.4, 0, 0, 2, 2.5]);
    const code = (config: number): number => {
      const answer = pair.transfer(Uint8Array.of(0x01, config << 4, 0), 0);
      return (((answer[1] ?? 0) & 3) << 8) | (answer[2] ?? 0);
    };

    expect(code(0b0000)).toBe(Math.floor((0.6 / 5) * 1024));
    expect(code(0b0001)).toBe(0);
    expect(code(0b0100)).toBe(0);
    expect(code(0b0101)).toBe(Math.floor((0.5 / 5) * 1024));
  });

  it("gives the same code wherever the start bit stands", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 7 }), (zeros, channel) => {
        const volts = [0.3, 0.9, 1.4, 2.2, 2.9, 3.3, 4.1, 4.8];
        const request = `${"0".repeat(zeros)}11${channel.toString(2).padStart(3, "0")}`.padEnd(48, "0");
        const tx = Uint8Array.from({ length: 6 }, (_, i) =>
          Number.parseInt(request.slice(8 * i, 8 * i + 8), 2),
        );

        const answer = bits(model(volts).transfer(tx, 0));
        expect(Number.parseInt(answer.slice(zeros + 7, zeros + 17), 2)).toBe(
          mcp3008Code(volts[channel] ?? 0, 5),
        );
        expect(answer.slice(0, zeros + 7)).toBe("0".repeat(zeros + 7));
      }),
    );
  });

  it("does not convert without a start bit, or when the clock ends before the sample does", () => {
    let conversions = 0;
    const counting = new Mcp3008Model({ vref: 5, volts: () => ++conversions });

    expect(toHex(counting.transfer(new Uint8Array(3), 0))).toBe("000000");
    counting.transfer(Uint8Array.of(0b0000_1111), 0);
    expect(conversions).toBe(0);
    counting.transfer(Uint8Array.of(0b0011_0000), 0);
    expect(conversions).toBe(1);
  });

  it("takes a clock of 3.6 MHz at 5 V and of 1.35 MHz at 2.7 V", () => {
    expect(model([], 5).maxHz).toBe(3_600_000);
    expect(model([], 2.7).maxHz).toBe(1_350_000);
    expect(new Mcp3008Model({ vref: 2.5, supplyVolts: 5, volts: () => 0 }).maxHz).toBe(3_600_000);
  });
});
