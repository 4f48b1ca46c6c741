import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import { modbusCrc, modbusFrame, parseModbusFrame, rtuSilence } from "../../../sim/devices/modbus-frame.ts";

const bodies = fc.uint8Array({ minLength: 2, maxLength: 254 });

describe("the frame of Modbus RTU", () => {
  it("has the checksum of the specification's example, low byte first", () => {
    // Modbus over serial line V1.02, 6.2.2: 02 07 gives CRC 1241h, sent as 41 12.
    expect(modbusCrc(Uint8Array.of(0x02, 0x07))).toBe(0x1241);
    expect(toHex(modbusFrame(Uint8Array.of(0x02, 0x07)))).toBe("02074112");
  });

  it("has the check value of the catalogue of CRC algorithms for CRC-16/MODBUS", () => {
    expect(modbusCrc(new TextEncoder().encode("123456789"))).toBe(0x4b37);
  });

  it("is read back as it was made", () => {
    fc.assert(
      fc.property(bodies, (body) => {
        const frame = parseModbusFrame(modbusFrame(body));

        expect(frame).toEqual({ address: body[0], pdu: body.slice(1) });
      }),
    );
  });

  it("with any one bit changed, any burst up to 16 bits, or its end missing is refused", () => {
    const damage = fc.record({ body: bodies, at: fc.nat(), pattern: fc.integer({ min: 1, max: 0xffff }) });

    fc.assert(
      fc.property(damage, ({ body, at, pattern }) => {
        const sound = modbusFrame(body);
        const position = at % (sound.length * 8 - 15);
        const damaged = Uint8Array.from(sound);
        for (let i = 0; i < 16; i++) {
          const bit = position + i;
          if ((pattern >> i) & 1) damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        }

        expect(parseModbusFrame(damaged)).toBeNull();
      }),
    );
    const frame = modbusFrame(fromHex("01030000000a"));
    for (let bit = 0; bit < frame.length * 8; bit++) {
      const damaged = frame.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
      expect(parseModbusFrame(damaged)).toBeNull();
    }
    expect(parseModbusFrame(frame.subarray(0, 3))).toBeNull();
    expect(parseModbusFrame(modbusFrame(new Uint8Array(255)))).toBeNull();
  });

  it("ends after 3.5 characters of silence, and at fixed times above 19 200 baud", () => {
    expect(rtuSilence(9600, 1042)).toEqual({ characterUs: 1563, frameUs: 3647 });
    expect(rtuSilence(19_200, 521)).toEqual({ characterUs: 782, frameUs: 1824 });
    expect(rtuSilence(115_200, 87)).toEqual({ characterUs: 750, frameUs: 1750 });
  });
});
