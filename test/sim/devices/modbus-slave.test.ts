import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import { modbusFrame } from "../../../sim/devices/modbus-frame.ts";
import { ModbusSlave } from "../../../sim/devices/modbus-slave.ts";
import { StoredCell, storedCells } from "../../../sim/devices/modbus-tables.ts";
import { powerMeterTables } from "../../../sim/devices/power-meter.ts";
import { Rs485Bus } from "../../../sim/devices/rs485-bus.ts";
import type { SerialTarget } from "../../../sim/devices/target.ts";

/** One character at 9600 baud, 8N1. */
const CHARACTER = 1042;
const SILENCE = 3647;
const LONG = 1_000_000;

const READ = fromHex("010300000002c40b");
const ANSWER = "01030400e601c29bc5";

function aSlave(options: { readonly address?: number; readonly baudRate?: number } = {}) {
  return new ModbusSlave({
    address: options.address ?? 1,
    ...(options.baudRate === undefined ? {} : { baudRate: options.baudRate }),
    tables: { holdingRegisters: storedCells(0, [230, 450, 0, 4660]), coils: storedCells(0, [0, 0]) },
  });
}

/** Sends from `startUs` on. @returns when the last byte is out */
function send(target: SerialTarget, bytes: Uint8Array, startUs: number): number {
  const endUs = startUs + bytes.length * CHARACTER;
  target.received(bytes, endUs);
  return endUs;
}

const framed = (body: string): Uint8Array => modbusFrame(fromHex(body));

describe("a Modbus RTU slave", () => {
  it("begins its answer 5 ms after the request and sends it byte by byte", () => {
    const slave = aSlave();
    const endUs = send(slave, READ, 1000);
    const firstUs = endUs + 5000 + CHARACTER;

    expect(slave.sentBetween(endUs, firstUs - 1)).toHaveLength(0);
    expect(toHex(slave.sentBetween(firstUs - 1, firstUs))).toBe("01");
    expect(slave.nextSentUs(firstUs)).toBe(firstUs + CHARACTER);
    expect(toHex(slave.sentBetween(firstUs, LONG))).toBe(ANSWER.slice(2));
    expect(slave.nextSentUs(LONG)).toBeNull();
  });

  it("waits for the end of the silence where 3.5 characters take longer than 5 ms", () => {
    const slave = aSlave({ baudRate: 2400 });
    const character = 4167;
    slave.received(READ, 8 * character);
    const firstUs = 8 * character + Math.round(3.5 * character) + character;

    expect(slave.nextSentUs(8 * character)).toBe(firstUs);
    expect(slave.sentBetween(0, firstUs - 1)).toHaveLength(0);
    expect(slave.sentBetween(firstUs - 1, firstUs)).toHaveLength(1);
  });

  it("carries a write out at the end of the silence, not before", () => {
    const slave = aSlave();
    const endUs = send(slave, framed("01050001ff00"), 0);

    expect(slave.valueOf("coils", 1, endUs + SILENCE - 1)).toBe(0);
    expect(slave.valueOf("coils", 1, endUs + SILENCE)).toBe(1);
    expect(slave.valueOf("coils", 7, endUs + SILENCE)).toBeUndefined();
  });

  it("obeys a broadcast write without an answer, and ignores a broadcast read", () => {
    const slave = aSlave();
    const endUs = send(slave, framed("00060001002a"), 0);
    send(slave, framed("000300000001"), endUs + SILENCE);

    expect(slave.sentBetween(0, LONG)).toHaveLength(0);
    expect(slave.valueOf("holdingRegisters", 1, LONG)).toBe(42);
  });

  it.each([
    ["a frame for another slave", framed("020300000001")],
    ["a damaged frame", fromHex("010300000002c40c")],
    ["two frames without silence between them", Uint8Array.of(...READ, ...READ)],
    ["half a frame", READ.subarray(0, 5)],
  ])("stays silent after %s, and hears the next", (_what, bytes) => {
    const slave = aSlave();
    const endUs = send(slave, bytes, 0);
    expect(slave.sentBetween(0, endUs + SILENCE)).toHaveLength(0);
    send(slave, READ, endUs + SILENCE);

    expect(toHex(slave.sentBetween(0, LONG))).toBe(ANSWER);
  });

  it.each([
    ["takes a frame with a gap of 1.5 characters", 1563, true],
    ["drops a frame with a longer gap", 1564, false],
    ["drops both halves when the gap just reaches 3.5 characters", SILENCE, false],
  ])("%s", (_what, gapUs, answers) => {
    const slave = aSlave();
    const half = send(slave, READ.subarray(0, 4), 0);
    send(slave, READ.subarray(4), half + gapUs);

    expect(slave.sentBetween(0, LONG).length > 0).toBe(answers);
  });

  it("hears nothing while it answers, and its bytes are spoilt by what the master sends", () => {
    const slave = aSlave();
    const endUs = send(slave, READ, 0);
    const answerUs = endUs + 5000;
    slave.advanceTo(answerUs);
    // Overlaps the second and third byte of the answer.
    const otherUs = send(slave, framed("01050001ff00").subarray(0, 1), answerUs + CHARACTER + 500);

    expect(toHex(slave.sentBetween(0, LONG))).toBe(`010000${ANSWER.slice(6)}`);
    expect(otherUs).toBeLessThan(answerUs + 9 * CHARACTER);
    send(slave, READ, LONG);
    expect(toHex(slave.sentBetween(LONG, 2 * LONG))).toBe(ANSWER);
  });

  it("does not take a request that begins between the end of another and its answer", () => {
    const slave = aSlave();
    const endUs = send(slave, READ, 0);
    send(slave, framed("01050001ff00"), endUs + SILENCE + 1);

    expect(slave.valueOf("coils", 1, LONG)).toBe(0);
  });

  it("never fails on noise, and answers after silence", () => {
    const bursts = fc.array(fc.record({ noise: fc.uint8Array({ maxLength: 40 }), gap: fc.nat(20_000) }), {
      maxLength: 8,
    });

    fc.assert(
      fc.property(bursts, (list) => {
        const slave = aSlave();
        let nowUs = 0;
        for (const { noise, gap } of list) nowUs = send(slave, noise, nowUs + gap);
        // The longest answer that noise could have asked for takes less than a third of a second.
        const quietUs = nowUs + 400_000;
        slave.sentBetween(0, quietUs);
        const endUs = send(slave, framed("010300030001"), quietUs);

        const answer = toHex(slave.sentBetween(endUs, endUs + LONG));
        expect(answer.slice(0, 6)).toBe("010302");
      }),
    );
  });

  it("loses the answer under way and what is not retained with its power", () => {
    const kept = new StoredCell(7, { retained: true });
    const slave = new ModbusSlave({
      address: 1,
      tables: {
        holdingRegisters: new Map([
          [0, new StoredCell(1)],
          [1, kept],
        ]),
      },
    });
    const endUs = send(slave, framed("01100000000204000a000b"), 0);
    const cutUs = endUs + 5000 + 2 * CHARACTER + 10;
    slave.powerCut(cutUs);
    send(slave, framed("010300000001"), cutUs + SILENCE);
    slave.powerOn();

    expect(slave.sentBetween(0, LONG)).toHaveLength(2);
    send(slave, framed("010300000002"), LONG);
    expect(toHex(slave.sentBetween(LONG, 2 * LONG)).slice(0, 14)).toBe("0103040001000b");
  });
});

describe("slaves on one pair of wires", () => {
  it("answer each for itself, in the order of time", () => {
    const bus = new Rs485Bus([aSlave({ address: 1 }), aSlave({ address: 2 })]);
    const endUs = send(bus, framed("020300000001"), 0);
    send(bus, framed("010300000001"), endUs + 100_000);

    const sent = toHex(bus.sentBetween(0, LONG));
    expect(sent.slice(0, 4)).toBe("0203");
    expect(sent.slice(14, 18)).toBe("0103");
    expect(sent).toHaveLength(28);
  });

  it("want silence after another's answer before they take a request", () => {
    const bus = new Rs485Bus([aSlave({ address: 1 }), aSlave({ address: 2 })]);
    const answered = send(bus, READ, 0) + 5000 + 9 * CHARACTER;
    send(bus, framed("020300000001"), answered + SILENCE - 1);
    expect(toHex(bus.sentBetween(0, LONG))).toBe(ANSWER);

    const again = send(bus, READ, LONG) + 5000 + 9 * CHARACTER;
    send(bus, framed("020300000001"), again + SILENCE);
    expect(toHex(bus.sentBetween(LONG, 2 * LONG)).slice(18, 22)).toBe("0203");
  });

  it("spoil each other's answers when they have the same address", () => {
    const bus = new Rs485Bus([aSlave(), aSlave()]);
    send(bus, READ, 0);

    expect(toHex(bus.sentBetween(0, LONG))).toBe("00".repeat(9));
  });

  it("do not hear a master at another speed than theirs", () => {
    const bus = new Rs485Bus([aSlave(), aSlave({ address: 2, baudRate: 19_200 })]);
    send(bus, framed("020300000001"), 0);

    expect(bus.nextSentUs(LONG)).toBeNull();
    expect(bus.sentBetween(0, LONG)).toHaveLength(0);
  });
});

describe("a power meter", () => {
  it("shows volts, amperes, watts and kilowatt-hours as single precision", () => {
    const slave = new ModbusSlave({
      address: 1,
      tables: powerMeterTables({
        voltageV: () => 230.5,
        currentA: () => 2,
        powerW: () => 368.75,
        energyKwh: (atUs) => 12 + atUs / 1e9,
      }),
    });
    let startUs = 0;
    const value = (address: string): number => {
      startUs += LONG;
      send(slave, framed(`0104${address}0002`), startUs);
      const answer = slave.sentBetween(startUs, startUs + LONG - 1);
      return new DataView(answer.buffer, 3, 4).getFloat32(0);
    };

    expect(value("0000")).toBe(230.5);
    expect(value("0006")).toBe(2);
    expect(value("000c")).toBe(368.75);
    expect(value("0012")).toBe(461);
    expect(value("001e")).toBeCloseTo(368.75 / 461, 6);
    expect(value("0046")).toBe(50);
    expect(value("0048")).toBeCloseTo(12.007, 3);
    expect(value("0002")).toBe(0);
  });
});
