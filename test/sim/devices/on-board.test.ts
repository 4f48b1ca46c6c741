import { describe, expect, it } from "vitest";
import { simBoard } from "../../../boards/sim.ts";
import { fromHex, toHex } from "../../../firmware/core/bytes.ts";
import type { GpioEdge } from "../../../firmware/ports/hardware.ts";
import { SimHardware, type SimWiring } from "../../../sim/board/sim-hardware.ts";
import { Max31855Model } from "../../../sim/devices/max31855.ts";
import { modbusFrame } from "../../../sim/devices/modbus-frame.ts";
import { ModbusSlave } from "../../../sim/devices/modbus-slave.ts";
import { storedCells } from "../../../sim/devices/modbus-tables.ts";
import { PirModel } from "../../../sim/devices/pir.ts";
import { Pms5003Model, pms5003Frame } from "../../../sim/devices/pms5003.ts";
import { RelayModel } from "../../../sim/devices/relay.ts";
import { Rs485Bus } from "../../../sim/devices/rs485-bus.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { aVirtualClock, never } from "../virtual-board.ts";

const SERIAL = { baudRate: 9600, parity: "none", stopBits: 1 } as const;

/** A board with these parts on it, in virtual time. */
function aBoard(wiring: Partial<SimWiring>) {
  const { time, clock } = aVirtualClock();
  const hardware = new SimHardware({
    board: simBoard,
    clock,
    stream: (name) => new SeededEntropy("1", name),
    wiring: { gpio: new Map(), i2c: new Map(), spi: new Map(), serial: new Map(), ...wiring },
  });
  return { time, clock, hardware };
}

describe("parts on a simulated board", () => {
  it("two Modbus slaves answer a master on one RS-485 port, one after the other", async () => {
    const slave = (address: number) =>
      new ModbusSlave({ address, tables: { holdingRegisters: storedCells(0, [address * 100]) } });
    const { time, clock, hardware } = aBoard({
      serial: new Map([["ttyAMA0", new Rs485Bus([slave(1), slave(2)])]]),
      rs485: new Map([["ttyAMA0", { turnAroundUs: 1000 }]]),
    });
    const line = await hardware.serial("ttyAMA0", SERIAL);
    const ask = async (body: string, maxBytes: number) => {
      // A master keeps 3.5 characters of silence before a request, too.
      await clock.sleep(4, never);
      await line.write(modbusFrame(fromHex(body)), never);
      const { data } = await line.read({ maxBytes, withinMs: 100 }, never);
      return toHex(data);
    };
    const framed = (body: string) => toHex(modbusFrame(fromHex(body)));

    expect(await time.settle(ask("010300000001", 7))).toBe(framed("0103020064"));
    expect(await time.settle(ask("020300000001", 7))).toBe(framed("02030200c8"));
    expect(await time.settle(ask("0206000001f4", 8))).toBe(framed("0206000001f4"));
    expect(await time.settle(ask("020300000001", 7))).toBe(framed("02030201f4"));
    expect(await time.settle(ask("030300000001", 7))).toBe("");
  });

  it("a particle sensor is read when its frame has come, and gives noise at the wrong speed", async () => {
    const air = { pm1: 5, pm25: 12, pm10: 18 };
    const sensor = new Pms5003Model({ matter: () => air, settleUs: 0 });
    const { time, clock, hardware } = aBoard({ serial: new Map([["ttyAMA0", sensor]]) });
    const line = await hardware.serial("ttyAMA0", SERIAL);
    const frame = await time.settle(line.read({ maxBytes: 32, withinMs: 2000 }, never));
    const readMs = clock.monoMs();
    await line[Symbol.asyncDispose]();
    const wrong = await hardware.serial("ttyAMA0", { ...SERIAL, baudRate: 4800 });
    const noise = await time.settle(wrong.read({ maxBytes: 32, withinMs: 2000 }, never));

    expect(toHex(frame.data)).toBe(toHex(pms5003Frame(air)));
    expect(readMs).toBeGreaterThanOrEqual(1034);
    expect(readMs).toBeLessThan(1050);
    expect(toHex(noise.data)).not.toBe(toHex(pms5003Frame(air)));
  });

  it("a thermocouple is read at up to 5 MHz", async () => {
    const model = new Max31855Model({ thermocoupleC: () => 100.75, junctionC: () => 25 });
    const { time, hardware } = aBoard({ spi: new Map([["0.0", model]]) });
    const spi = await hardware.spi(0, 0);
    await time.runFor(300);
    const read = async (speedHz: number) =>
      toHex(await time.settle(spi.transfer(new Uint8Array(4), { mode: 0, speedHz, bitsPerWord: 8 }, never)));

    expect(await read(5_000_000)).toBe("064c1900");
    expect(await read(5_000_001)).not.toBe("064c1900");
  });

  it("a relay's read-back contact and a motion detector are seen as edges in their true time", async () => {
    const relay = new RelayModel({ activeLow: true, idle: 1 });
    const pir = new PirModel();
    const { time, hardware } = aBoard({
      gpio: new Map([
        [17, { kind: "actuator", actuator: relay }],
        [22, { kind: "contact", contact: relay.readBack }],
        [23, { kind: "contact", contact: pir.line }],
      ]),
    });
    const input = (line: number) =>
      hardware.gpio({ chip: "gpiochip0", line, direction: "in", bias: "pull-up" });
    const seen: [line: number, ms: number, value: number][] = [];
    const see = (line: number) => (edge: GpioEdge) => seen.push([line, edge.monoMs, edge.value]);
    const coil = await hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 1 });
    using _contact = (await input(22)).watch("both", 0, see(22));
    using _motion = (await input(23)).watch("both", 0, see(23));
    await time.runFor(1000);
    await coil.write(0);
    pir.see(hardware.nowUs());
    await time.runFor(1000);
    pir.see(hardware.nowUs());
    await time.runFor(5000);

    expect(seen).toEqual([
      [23, 1000, 1],
      [22, 1010, 0],
      [23, 4000, 0],
    ]);
  });
});
