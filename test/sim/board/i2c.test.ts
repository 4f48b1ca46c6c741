import { describe, expect, it } from "vitest";
import { AT24C32, At24cModel } from "../../../sim/devices/at24c.ts";
import type { I2cTarget } from "../../../sim/devices/target.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { never } from "../virtual-board.ts";
import { aBoard, type BenchOptions, CuttingSteps, MemoryTarget, output } from "./bench.ts";

const NOTHING = new Uint8Array(0);

async function aBus(targets: ReadonlyMap<number, I2cTarget>, options: BenchOptions = {}) {
  const bench = aBoard({ ...options, wiring: { i2c: new Map([[1, targets]]) } });
  const bus = await bench.hardware.i2c(1);
  const transfer = (address: number, write: Uint8Array, readLength: number) =>
    bench.time.settle(bus.transfer(address, write, readLength, never));
  return { ...bench, bus, transfer };
}

async function aMemory(options: BenchOptions = {}) {
  const memory = new MemoryTarget();
  return { memory, ...(await aBus(new Map([[0x44, memory]]), options)) };
}

describe("a simulated I2C bus", () => {
  it("takes nine bit times per byte and address, start and stop for each message, in one event", async () => {
    const { time, transfer, memory } = await aMemory();
    const before = time.taken;

    await transfer(0x44, Uint8Array.of(0x10), 6);

    // Write: (1+1)·9+2 = 20 bits, read: (6+1)·9+2 = 65 bits at 10 µs.
    expect(time.nowUs).toBe(850);
    expect(time.taken - before).toBe(1);
    expect([memory.writes[0]?.atUs, memory.reads[0]?.atUs]).toEqual([200, 200]);
  });

  it("is one step and one record for each access", async () => {
    const { steps, records, transfer } = await aMemory();

    await transfer(0x44, Uint8Array.of(0x10), 2);
    await expect(transfer(0x45, Uint8Array.of(1), 0)).rejects.toMatchObject({ code: "nack" });

    expect(steps.labels).toEqual(["i2c.transfer:1:0x44", "i2c.transfer:1:0x45"]);
    expect(records).toEqual([
      { kind: "i2c", data: { bus: 1, address: 0x44, write: "10", read: "1011" } },
      { kind: "i2c", data: { bus: 1, address: 0x45, write: "01", error: "nack" } },
    ]);
  });

  it("keeps combined transfers of several users apart", async () => {
    const { time, bus } = await aMemory();
    const read = (register: number) => bus.transfer(0x44, Uint8Array.of(register), 2, never);

    const answers = await time.settle(Promise.all([read(1), read(50), read(9)]));

    expect(answers.map((answer) => [...answer])).toEqual([
      [1, 2],
      [50, 51],
      [9, 10],
    ]);
  });

  it("tells a missing device from data that was not acknowledged", async () => {
    const { memory, transfer, time } = await aMemory();

    await expect(transfer(0x50, NOTHING, 1)).rejects.toMatchObject({
      code: "nack",
      details: { errno: "ENXIO" },
    });
    expect(time.nowUs).toBe(110);
    memory.isAcknowledging = false;
    await expect(transfer(0x44, Uint8Array.of(1, 2), 0)).rejects.toMatchObject({
      code: "nack",
      details: { errno: "EREMOTEIO" },
    });
    await expect(transfer(0x80, NOTHING, 1)).rejects.toMatchObject({ details: { errno: "EINVAL" } });
  });

  it("probes an address with an empty write", async () => {
    const { memory, transfer } = await aMemory();

    await transfer(0x44, NOTHING, 0);

    expect(memory.writes).toEqual([{ data: [], atUs: 110 }]);
  });

  it("carries the general call to all who listen", async () => {
    const heard: unknown[] = [];
    const listening = (name: string): I2cTarget => ({
      write: () => true,
      read: (length) => new Uint8Array(length),
      generalCall: (data) => heard.push([name, ...data]),
    });
    const { transfer, board } = await aBus(
      new Map([
        [0x48, listening("a")],
        [0x49, listening("b")],
        [0x44, new MemoryTarget()],
      ]),
    );

    await transfer(0, Uint8Array.of(6), 0);
    board.faults.inject("i2c:1:0x48", { kind: "disappear" });
    await transfer(0, Uint8Array.of(6), 0);

    expect(heard).toEqual([
      ["a", 6],
      ["b", 6],
      ["b", 6],
    ]);
    const nobody = await aMemory();
    await expect(nobody.transfer(0, Uint8Array.of(6), 0)).rejects.toMatchObject({ code: "nack" });
  });

  it("adds the time for which a device stretches the clock, and reads after it", async () => {
    const memory = Object.assign(new MemoryTarget(), { clockStretchMs: () => 24 });
    const { time, transfer } = await aBus(new Map([[0x44, memory]]));

    await transfer(0x44, Uint8Array.of(0), 1);

    expect([memory.writes[0]?.atUs, memory.reads[0]?.atUs, time.nowUs]).toEqual([200, 24_200, 24_400]);
  });

  it("gives a device up that stretches the clock for more than 25 ms", async () => {
    const memory = Object.assign(new MemoryTarget(), { clockStretchMs: () => 26 });
    const { time, transfer } = await aBus(new Map([[0x44, memory]]));

    await expect(transfer(0x44, Uint8Array.of(0), 1)).rejects.toMatchObject({ code: "io_timeout" });

    expect([time.nowUs, memory.reads]).toEqual([25_200, []]);
  });

  it("takes its factor of time when it is slow", async () => {
    const { board, transfer, time } = await aMemory();
    board.faults.inject("i2c:1", { kind: "slow", factor: 3 });

    await transfer(0x44, Uint8Array.of(1), 0);

    expect(time.nowUs).toBe(600);
  });
});

describe("faults of an I2C bus", () => {
  it("strike on the bus as on the device, and end", async () => {
    const { board, transfer } = await aMemory();
    for (const target of ["i2c:1", "i2c:1:0x44"]) {
      board.faults.inject(target, { kind: "nack", p: 1 });
      await expect(transfer(0x44, NOTHING, 1)).rejects.toMatchObject({ code: "nack" });
      board.faults.clear(target);
    }

    expect((await transfer(0x44, NOTHING, 1)).length).toBe(1);
  });

  it("flip exactly one bit", async () => {
    const { board, transfer } = await aMemory();
    board.faults.inject("i2c:1:0x44", { kind: "corrupt", p: 1 });
    for (let i = 0; i < 30; i++) {
      const answer = await transfer(0x44, Uint8Array.of(0), 4);
      const bits = [...answer].map((byte, k) => (byte ^ k).toString(2).replaceAll("0", "").length);
      expect(bits.reduce((a, b) => a + b)).toBe(1);
    }
  });

  it("let another chip answer at one register, however it is read", async () => {
    const { board, transfer } = await aMemory();
    board.faults.inject("i2c:1:0x44", { kind: "wrong_id", register: 0x20, value: 0xaa });

    expect([...(await transfer(0x44, Uint8Array.of(0x20), 2))]).toEqual([0xaa, 0x21]);
    expect([...(await transfer(0x44, Uint8Array.of(0x1e), 4))]).toEqual([0x1e, 0x1f, 0xaa, 0x21]);
    await transfer(0x44, Uint8Array.of(0x20), 0);
    expect([...(await transfer(0x44, NOTHING, 1))]).toEqual([0xaa]);
    expect([...(await transfer(0x44, Uint8Array.of(0x21), 2))]).toEqual([0x21, 0x22]);
  });

  it("time out after 25 ms of stretching without touching the device", async () => {
    const { board, memory, time, transfer } = await aMemory();
    board.faults.inject("i2c:1:0x44", { kind: "stretch", ms: 30 });

    await expect(transfer(0x44, Uint8Array.of(1), 0)).rejects.toMatchObject({
      code: "io_timeout",
      details: { errno: "ETIMEDOUT" },
    });

    expect([time.nowUs, memory.writes]).toEqual([25_000, []]);
  });

  it("block the bus while SDA is held, until nine pulses and a stop", async () => {
    const { board, hardware, transfer } = await aMemory();
    board.faults.inject("i2c:1:0x44", { kind: "bus_stuck" });
    await expect(transfer(0x50, NOTHING, 1)).rejects.toMatchObject({
      code: "bus_stuck",
      details: { errno: "EBUSY", touched: false },
    });
    const scl = await hardware.gpio(output(3, 1));
    const sdaIn = await hardware.gpio({ chip: "gpiochip0", line: 2, direction: "in", bias: "pull-up" });
    const levels: number[] = [];
    for (let i = 0; i < 9; i++) {
      levels.push(await sdaIn.read());
      await scl.write(0);
      await scl.write(1);
    }
    levels.push(await sdaIn.read());
    await sdaIn[Symbol.asyncDispose]();
    await expect(transfer(0x44, NOTHING, 1)).rejects.toMatchObject({ code: "bus_stuck" });
    await scl.write(0);
    const sda = await hardware.gpio(output(2, 0));
    await scl.write(1);
    await sda.write(1);

    expect(levels).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    expect((await transfer(0x44, NOTHING, 1)).length).toBe(1);
  });

  it("of a short circuit stay whatever is pulsed", () => {
    const { board } = aBoard();
    board.faults.inject("i2c:1", { kind: "bus_stuck", permanent: true });
    board.faults.inject("i2c:1:0x44", { kind: "bus_stuck" });
    board.faults.recover(1);

    expect([board.faults.has("i2c:1", "bus_stuck"), board.faults.has("i2c:1:0x44", "bus_stuck")]).toEqual([
      true,
      false,
    ]);
  });

  it("are recorded when they begin and when they end", () => {
    const { board, records } = aBoard();
    board.faults.inject("i2c:1", { kind: "slow", factor: 2 });
    board.faults.clear("i2c:1");
    board.faults.clear("i2c:1");

    expect(records).toEqual([
      { kind: "fault", data: { target: "i2c:1", fault: { kind: "slow", factor: 2 } } },
      { kind: "fault.end", data: { target: "i2c:1" } },
    ]);
  });
});

describe("a power cut on an I2C bus", () => {
  const data = Uint8Array.of(0, 1, 2, 3, 4, 5);
  const taken = new SeededEntropy("1", "i2c-1:0x44").below(data.length + 1);

  it.each(["before", "during", "after"] as const)("%s a write", async (point) => {
    const steps = new CuttingSteps("i2c.transfer:1:0x44", point);
    const { memory, bus, time, board } = await aMemory({ steps });
    let settled = false;
    void bus.transfer(0x44, data, 0, never).finally(() => {
      settled = true;
    });

    await time.runFor(1000);

    const expected = { before: 0, during: taken, after: data.length }[point];
    expect(memory.writes.map((write) => write.data)).toEqual(
      expected > 0 ? [[...data.subarray(0, expected)]] : [],
    );
    expect([settled, board.isPowered]).toEqual([false, false]);
  });

  it("that comes from outside, with the bits on the wires, leaves the first bytes too, once", async () => {
    const { memory, bus, time, board } = await aMemory();
    void bus.transfer(0x44, data, 0, never);
    await time.runUntil(300);
    board.powerOff(time.nowUs);

    await time.runFor(1000);

    expect(memory.writes.map((write) => write.data)).toEqual([[...data.subarray(0, taken)]]);
  });

  it("of the process alone lets the kernel finish the transfer", async () => {
    const { memory, bus, time, board } = await aMemory();
    void bus.transfer(0x44, data, 0, never);
    await time.runUntil(300);
    board.release(time.nowUs);

    await time.runFor(1000);

    expect(memory.writes.map((write) => write.data)).toEqual([[...data]]);
  });

  it("reaches the models, with the stream of each, and so does its return", async () => {
    const seen: unknown[] = [];
    const target = Object.assign(new MemoryTarget(), {
      powerCut: (atUs: number, entropy: { below(n: number): number }) => seen.push([atUs, entropy.below(7)]),
      powerOn: (atUs: number) => seen.push(atUs),
    });
    const { board, time } = await aBus(new Map([[0x44, target]]));

    board.powerOff(5);
    board.powerOff(6);
    await time.runFor(1);
    board.powerOn(1000);

    expect(seen).toEqual([[5, taken], 1000]);
  });

  it("in the write cycle of an EEPROM leaves a page part old, part new", async () => {
    const eeprom = new At24cModel({ part: AT24C32 });
    const { transfer, board, time } = await aBus(new Map([[0x50, eeprom]]));
    const page = Uint8Array.from({ length: 32 }, (_, i) => i);
    await transfer(0x50, Uint8Array.of(0, 0, ...page), 0);
    board.powerOff(time.nowUs + 1000);

    const stored = eeprom.contents().subarray(0, 32);
    const written = stored.findIndex((byte, i) => byte !== i);
    expect(written).toBeGreaterThanOrEqual(0);
    expect([...stored.subarray(written)]).toEqual(new Array(32 - written).fill(0xff));
  });
});

describe("devices that act by themselves", () => {
  it("are called when they are due and when the world moves, and not while they are off", async () => {
    const seen: number[] = [];
    let dueUs: number | null = null;
    const target: I2cTarget = {
      write: (_data, nowUs) => {
        dueUs = nowUs + 5000;
        return true;
      },
      read: (length) => new Uint8Array(length),
      advance: (nowUs) => {
        seen.push(nowUs);
        if (dueUs !== null && nowUs >= dueUs) dueUs = null;
      },
      nextUs: () => dueUs,
    };
    const { transfer, time, board } = await aBus(new Map([[0x48, target]]));
    await transfer(0x48, Uint8Array.of(1), 0);
    await time.runFor(20);
    board.worldMoved(time.nowUs);
    await transfer(0x48, Uint8Array.of(1), 0);
    board.powerOff(time.nowUs);
    board.worldMoved(time.nowUs);
    await time.runFor(20);

    expect(seen).toEqual([5200, 20_200]);
  });
});
