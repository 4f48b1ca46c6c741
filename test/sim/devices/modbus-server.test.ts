import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import { serveModbus } from "../../../sim/devices/modbus-server.ts";
import {
  floatCells,
  type ModbusTables,
  mirrorCell,
  StoredCell,
  storedCells,
} from "../../../sim/devices/modbus-tables.ts";

/** The least significant bit of the first byte is the lowest address. */
const bits = (hex: string, count: number): number[] => {
  const bytes = fromHex(hex);
  return Array.from({ length: count }, (_, i) => ((bytes[i >> 3] ?? 0) >> (i & 7)) & 1);
};

/** What the examples of the specification find in the slave. */
function theExamples() {
  return {
    coils: new Map([...storedCells(19, bits("cd6b05", 19)), [172, new StoredCell(0)]]),
    discreteInputs: storedCells(196, bits("acdb35", 22)),
    holdingRegisters: new Map([...storedCells(1, [7, 7]), ...storedCells(107, [0x022b, 0, 0x64])]),
    inputRegisters: storedCells(8, [0x000a]),
  };
}

const ask = (tables: ModbusTables, request: string, atUs = 0): string =>
  toHex(serveModbus(tables, fromHex(request), atUs));

describe("the examples of the Modbus application protocol V1.1b3", () => {
  it.each([
    ["6.1 read coils 20-38", "0100130013", "0103cd6b05"],
    ["6.2 read discrete inputs 197-218", "0200c40016", "0203acdb35"],
    ["6.3 read holding registers 108-110", "03006b0003", "0306022b00000064"],
    ["6.4 read input register 9", "0400080001", "0402000a"],
    ["6.5 write coil 173 on", "0500acff00", "0500acff00"],
    ["6.6 write register 2", "0600010003", "0600010003"],
    ["6.11 write coils 20-29", "0f0013000a02cd01", "0f0013000a"],
    ["6.12 write registers 2-3", "100001000204000a0102", "1000010002"],
    ["7 an exception: coil 1186 does not exist", "0104a10001", "8102"],
  ])("%s", (_section, request, answer) => {
    expect(ask(theExamples(), request)).toBe(answer);
  });

  it("leave what they wrote", () => {
    const tables = theExamples();
    for (const request of ["0500acff00", "0600010003", "0f0013000a02cd01"]) ask(tables, request);

    expect(tables.coils.get(172)?.value).toBe(1);
    expect(tables.holdingRegisters.get(1)?.value).toBe(3);
    expect(ask(tables, "010013000a")).toBe("0102cd01");
    ask(tables, "100001000204000a0102");
    expect(ask(tables, "0300010002")).toBe("0304000a0102");
  });
});

describe("a Modbus slave refuses", () => {
  it.each([
    ["an unknown function", "2b00", "ab01"],
    ["no function at all", "", "8001"],
    ["reading nothing", "0300010000", "8303"],
    ["more than 125 registers", "030001007e", "8303"],
    ["more than 2000 bits", "01001307d1", "8103"],
    ["a request that is too long", "030001000100", "8303"],
    ["a coil that is neither on nor off", "0500acff01", "8503"],
    ["a byte count that does not fit", "10000100020300000000", "9003"],
    ["fewer values than announced", "100001000204000a01", "9003"],
    ["more than 123 registers", `100001007cf8${"00".repeat(248)}`, "9003"],
    ["a range that ends beyond the last register", "030001006f", "8302"],
    ["addresses beyond FFFFh", "03ffff0002", "8302"],
  ])("%s", (_what, request, answer) => {
    expect(ask(theExamples(), request)).toBe(answer);
  });

  it("a write to a read-only register, and then writes none of the range", () => {
    const own = new StoredCell(5);
    const tables = {
      holdingRegisters: new Map([
        [0, own],
        [1, mirrorCell(() => 9)],
      ]),
    };

    expect(ask(tables, "10000000020400010002")).toBe("9002");
    expect(own.value).toBe(5);
  });

  it("nothing by a crash, whatever the request", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 253 }), (pdu) => {
        const answer = serveModbus(theExamples(), pdu, 0);

        expect((answer[0] ?? 0) & 0x7f).toBe((pdu[0] ?? 0) & 0x7f);
        expect(answer.length).toBeLessThanOrEqual(253);
      }),
    );
  });
});

describe("cells that mirror the world", () => {
  it("are read at the time of the request, rounded and limited", () => {
    const tables = { inputRegisters: new Map([[0, mirrorCell((atUs) => atUs / 10)]]) };

    expect(ask(tables, "0400000001", 126)).toBe("0402000d");
    expect(ask(tables, "0400000001", 1e9)).toBe("0402ffff");
    expect(ask(tables, "0400000001", -5)).toBe("04020000");
  });

  it("show both words of one reading of a quantity", () => {
    let reading = 0;
    const [high, low] = floatCells(() => ++reading);
    const tables = {
      inputRegisters: new Map([
        [0, high],
        [1, low],
      ]),
    };

    // IEEE 754 single precision: 1.0 is 3F800000h, 2.0 is 40000000h.
    expect(ask(tables, "0400000002", 10)).toBe("04043f800000");
    expect(ask(tables, "0400000002", 20)).toBe("040440000000");
  });
});
