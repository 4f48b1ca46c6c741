import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Mcp23017Model } from "../../../sim/devices/mcp23017.ts";
import { MCP23017_REGISTERS, mcp23017Gpio } from "../../../sim/devices/mcp23017-registers.ts";
import { readAt } from "./registers.ts";

const IODIRA = 0x00;
const IPOLA = 0x02;
const GPINTENA = 0x04;
const DEFVALA = 0x06;
const INTCONA = 0x08;
const IOCON = 0x0a;
const INTFA = 0x0e;
const INTCAPA = 0x10;
const GPIOA = 0x12;
const OLATA = 0x14;

function anExpander() {
  const world = { pins: 0 };
  const outputs: [level: number, mask: number, atUs: number][] = [];
  const interrupts: [port: string, level: number, atUs: number][] = [];
  const model = new Mcp23017Model({
    pins: () => world.pins,
    onOutputs: (level, mask, atUs) => outputs.push([level, mask, atUs]),
    onInterrupt: (level, atUs, port) => interrupts.push([port, level, atUs]),
  });
  const write = (register: number, ...values: number[]) => model.write(Uint8Array.of(register, ...values), 1);
  const read = (register: number, length = 1) => readAt(model, register, length, 1);
  const move = (pins: number, atUs: number) => {
    world.pins = pins;
    model.advance(atUs);
  };
  return { model, world, outputs, interrupts, write, read, move };
}

describe("the MCP23017's registers (Microchip DS20001952, table 3-3)", () => {
  it("are all inputs and zeros after power-on, in the order of bank 0", () => {
    const { read } = anExpander();
    const reset = MCP23017_REGISTERS.map((name) => (name.startsWith("IODIR") ? 0xff : 0));

    expect(read(IODIRA, 22)).toEqual(reset);
    expect(MCP23017_REGISTERS.indexOf("GPIOA")).toBe(0x12);
    expect(MCP23017_REGISTERS.indexOf("OLATB")).toBe(0x15);
  });

  it("are written and read in sequence, round the end", () => {
    const { write, read } = anExpander();
    write(OLATA, 0x11, 0x22, 0xf0);

    expect(read(OLATA, 3)).toEqual([0x11, 0x22, 0xf0]);
  });

  it("toggle between the ports in byte mode, and have another map with BANK set (table 3-2)", () => {
    const { write, read } = anExpander();
    write(IOCON, 0x20);
    write(OLATA, 1, 2, 3);
    expect(read(OLATA, 4)).toEqual([3, 2, 3, 2]);

    write(IOCON, 0x80);
    expect(read(0x0a, 1)).toEqual([3]);
    expect(read(0x1a, 1)).toEqual([2]);
    write(0x05, 0x00);
    expect(read(OLATA, 1)).toEqual([3]);
  });

  it("give GPIO as inputs from the pins xor IPOL and outputs from the latch", () => {
    const byte = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(byte, byte, byte, byte, (direction, polarity, latch, pins) => {
        const { write, read, world } = anExpander();
        world.pins = pins | (~pins << 8);
        write(IODIRA, direction, direction);
        write(IPOLA, polarity, polarity);
        write(GPIOA, latch, latch);
        const gpio = read(GPIOA, 2);
        for (let bit = 0; bit < 8; bit++) {
          const on = (word: number) => (word >> bit) & 1;
          const input = on(direction) === 1;
          expect(on(gpio[0] ?? 0)).toBe(input ? on(pins) ^ on(polarity) : on(latch));
          expect(on(gpio[1] ?? 0)).toBe(input ? 1 ^ on(pins) ^ on(polarity) : on(latch));
        }
        expect(mcp23017Gpio({ direction, polarity, latch, pins })).toBe(gpio[0]);
      }),
    );
  });
});

describe("the MCP23017's outputs", () => {
  it("are reported after each register, so that a wrong order shows as a glitch", () => {
    const { write, outputs } = anExpander();
    write(IODIRA, 0xf0);
    write(OLATA, 0x05);
    expect(outputs).toEqual([
      [0, 0x000f, 1],
      [5, 0x000f, 1],
    ]);

    const careful = anExpander();
    careful.write(OLATA, 0x05);
    careful.write(IODIRA, 0xf0);
    expect(careful.outputs).toEqual([[5, 0x000f, 1]]);
  });

  it("are inputs again after a power cut", () => {
    const { model, write, outputs, read } = anExpander();
    write(OLATA, 0xff);
    write(IODIRA, 0x00);
    model.powerCut(500);

    expect(outputs.at(-1)).toEqual([0, 0, 500]);
    expect(read(IODIRA)).toEqual([0xff]);
    expect(read(OLATA)).toEqual([0]);
  });
});

describe("the MCP23017's interrupts (chapter 3.6)", () => {
  it("pull INT low on a change, keep the first condition, and end with a read of GPIO", () => {
    const { write, read, move, interrupts } = anExpander();
    write(GPINTENA, 0x03);
    move(0x01, 10);
    move(0x03, 20);

    expect(interrupts).toEqual([["A", 0, 10]]);
    expect(read(INTFA)).toEqual([0x01]);
    expect(read(GPIOA)).toEqual([0x03]);
    expect(read(INTFA)).toEqual([0]);
    expect(interrupts.map(([port, level]) => [port, level])).toEqual([
      ["A", 0],
      ["A", 1],
    ]);
  });

  it("keep the port as it was in INTCAP, whose read ends them too", () => {
    const { write, read, move, interrupts } = anExpander();
    write(GPINTENA + 1, 0x80);
    move(0x8100, 10);
    move(0x0000, 20);

    expect(read(INTCAPA + 1)).toEqual([0x81]);
    expect(read(INTFA + 1)).toEqual([0]);
    expect(interrupts.map(([port, level]) => [port, level])).toEqual([
      ["B", 0],
      ["B", 1],
    ]);
  });

  it("compare with DEFVAL and stay as long as the pin differs", () => {
    const { write, read, move, interrupts } = anExpander();
    write(DEFVALA, 0x01);
    write(INTCONA, 0x01);
    move(0x01, 5);
    write(GPINTENA, 0x01);
    expect(interrupts).toEqual([]);
    move(0x00, 10);
    read(GPIOA);
    expect(interrupts).toEqual([["A", 0, 10]]);

    move(0x01, 30);
    read(GPIOA);
    expect(interrupts.length).toBe(2);
    expect(read(INTFA)).toEqual([0]);
  });

  it("mirror to both pins, active high if told so, and ignore pins that are not enabled", () => {
    const { write, move, interrupts } = anExpander();
    write(IOCON, 0x42);
    expect(interrupts).toEqual([
      ["A", 0, 1],
      ["B", 0, 1],
    ]);
    write(GPINTENA, 0x01);
    move(0x02, 10);
    expect(interrupts.length).toBe(2);
    move(0x03, 20);

    expect(interrupts.slice(2)).toEqual([
      ["A", 1, 20],
      ["B", 1, 20],
    ]);
  });

  it("cannot be written into INTF or INTCAP", () => {
    const { write, read } = anExpander();
    write(INTFA, 0xff, 0xff, 0xff, 0xff);

    expect(read(INTFA, 4)).toEqual([0, 0, 0, 0]);
  });
});
