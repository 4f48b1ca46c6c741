import { describe, expect, it } from "vitest";
import type { SerialOptions } from "../../../firmware/ports/hardware.ts";
import { serialByteUs } from "../../../sim/board/bus-timing.ts";
import { reopenedUs } from "../../../sim/board/serial-port.ts";
import type { SimSerialLine } from "../../../sim/board/sim-serial.ts";
import type { SerialTarget } from "../../../sim/devices/target.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { never } from "../virtual-board.ts";
import { aBoard, type BenchOptions, CuttingSteps } from "./bench.ts";

const usual: SerialOptions = { baudRate: 9600, parity: "none", stopBits: 1 };
const BYTE_US = serialByteUs(9600, 10);

/** Sends bytes at given times, counting up; remembers what it gets, and answers it after 5 ms if it is to. */
class Talker implements SerialTarget {
  readonly baudRate = 9600;
  readonly heard: { readonly data: number[]; readonly atUs: number }[] = [];
  readonly nextSentUs?: (afterUs: number) => number | null;
  readonly #times: number[];
  readonly #answers: boolean;

  constructor(
    times: readonly number[],
    options: { readonly says?: boolean; readonly answers?: boolean } = {},
  ) {
    this.#times = [...times];
    this.#answers = options.answers ?? false;
    if (options.says ?? true) {
      this.nextSentUs = (afterUs) => this.#times.find((atUs) => atUs > afterUs) ?? null;
    }
  }
  sentBetween(fromUs: number, toUs: number): Uint8Array {
    return Uint8Array.from(
      this.#times.flatMap((atUs, i) => (atUs > fromUs && atUs <= toUs ? [i & 0xff] : [])),
    );
  }
  received(data: Uint8Array, atUs: number): void {
    this.heard.push({ data: [...data], atUs });
    if (this.#answers) this.send(atUs + 5000);
  }
  /** Sends one more byte at a time. */
  send(atUs: number): void {
    this.#times.push(atUs);
  }
}

async function aPort(target: SerialTarget, options: BenchOptions = {}, serial: Partial<SerialOptions> = {}) {
  const bench = aBoard({ ...options, wiring: { serial: new Map([["ttyUSB0", target]]), ...options.wiring } });
  const line = (await bench.hardware.serial("ttyUSB0", { ...usual, ...serial })) as SimSerialLine;
  const read = (maxBytes: number, withinMs: number) =>
    bench.time.settle(line.read({ maxBytes, withinMs }, never));
  return { ...bench, line, read };
}

describe("a simulated serial line", () => {
  it("sends a byte in ten bit times, more with parity and a second stop bit", async () => {
    const talker = new Talker([]);
    const { line, time } = await aPort(talker);
    await time.settle(line.write(Uint8Array.of(1, 2, 3), never));
    expect(talker.heard).toEqual([{ data: [1, 2, 3], atUs: 3 * BYTE_US }]);

    const even = Object.assign(new Talker([]), { parity: "even" as const });
    const other = await aPort(even, {}, { parity: "even", stopBits: 2 });
    await other.time.settle(other.line.write(Uint8Array.of(7), never));
    expect(even.heard).toEqual([{ data: [7], atUs: serialByteUs(9600, 12) }]);
  });

  it("is one step and one record for each access that moved bytes", async () => {
    const { line, read, time, steps, records } = await aPort(new Talker([500]));
    await time.settle(line.write(Uint8Array.of(0xab), never));
    await read(1, 100);
    await read(1, 100);

    expect(steps.labels).toEqual(["serial.write:ttyUSB0", "serial.read:ttyUSB0", "serial.read:ttyUSB0"]);
    expect(records).toEqual([
      { kind: "serial", data: { port: "ttyUSB0", write: "ab" } },
      { kind: "serial", data: { port: "ttyUSB0", read: "00" } },
    ]);
  });

  it("sleeps until something comes where the part says when", async () => {
    const { read, time } = await aPort(new Talker([5_000_000]));
    const before = time.taken;

    expect(await read(1, 60_000)).toEqual({ data: Uint8Array.of(0), timedOut: false });

    expect(time.taken - before).toBe(1);
    expect(time.nowUs).toBe(5_010_000);
  });

  it("looks every 10 ms where it does not, and wakes a reader for an answer to what is sent", async () => {
    const silent = await aPort(new Talker([33_000], { says: false }));
    expect(await silent.read(1, 100)).toMatchObject({ timedOut: false });
    expect(silent.time.nowUs).toBe(40_000);

    const { line, time } = await aPort(new Talker([], { answers: true }));
    const reading = line.read({ maxBytes: 1, withinMs: 10_000 }, never);
    await time.runFor(50);
    void line.write(Uint8Array.of(1), never);
    expect(await time.settle(reading)).toEqual({ data: Uint8Array.of(0), timedOut: false });
    expect(time.nowUs).toBe(50_000 + BYTE_US + 5000 + 10_000);
  });

  it.each([{ baudRate: 4800 } as const, { parity: "even" } as const])(
    "hears noise with %o, and sends it",
    async (serial) => {
      const talker = new Talker([1000, 2000, 3000]);
      const { line, read, time, of } = await aPort(talker, {}, serial);
      const noise = new SeededEntropy("1", "serial:ttyUSB0");

      const { data } = await read(3, 100);
      await time.settle(line.write(Uint8Array.of(1, 2), never));

      expect([...data]).toEqual([...noise.bytes(3)]);
      expect(talker.heard[0]?.data).toEqual([...noise.bytes(2)]);
      expect(line.framingErrors).toBe(3);
      expect(of("serial.framing").length).toBeGreaterThan(0);
    },
  );

  it("on RS-485 does not hear while it sends, nor until the line has turned around", async () => {
    const sendUs = 2 * BYTE_US;
    const times = [100, sendUs + 500, sendUs + 1000, sendUs + 1001];
    const talker = new Talker(times);
    const { line, read, time, of } = await aPort(talker, {
      wiring: { rs485: new Map([["ttyUSB0", { turnAroundUs: 1000 }]]) },
    });
    await time.runUntil(150);
    const until = 150 + sendUs;
    talker.send(until + 999);
    talker.send(until + 1200);

    await time.settle(line.write(Uint8Array.of(1, 2), never));
    const { data } = await read(10, 50);

    // Byte 0 came before; 1, 2 and 3 lie in the turn-around that ends at 150 + send time + 1000, as does 4.
    expect([...data]).toEqual([0, 5]);
    expect(of("serial.collision")).toEqual([{ port: "ttyUSB0", missed: 4 }]);
  });

  it("keeps the oldest 4096 bytes in the kernel while the process is frozen, and flags the loss", async () => {
    const times = Array.from({ length: 5000 }, (_, i) => 1000 + i * BYTE_US);
    const { line, read, time, board, of } = await aPort(new Talker(times));
    await time.runUntil(900);
    board.freeze(6_000_000);
    await time.runUntil(6_000_000);

    const { data } = await read(4096, 0);

    expect([...data.subarray(0, 3), ...data.subarray(-2)]).toEqual([0, 1, 2, 4094 & 0xff, 4095 & 0xff]);
    expect([line.overflowed, line.dropped, of("serial_overflow")]).toEqual([
      904,
      0,
      [{ port: "ttyUSB0", lost: 904 }],
    ]);
  });

  it("keeps the newest 4096 unread bytes of a process that runs and does not read", async () => {
    const times = Array.from({ length: 5000 }, (_, i) => 1000 + i * BYTE_US);
    const { line, read, time } = await aPort(new Talker(times));
    await time.runUntil(6_000_000);

    const { data } = await read(4096, 0);

    expect([data[0], data.at(-1), line.dropped, line.overflowed]).toEqual([904 & 0xff, 4999 & 0xff, 904, 0]);
  });

  it.each(["stuck_high", "stuck_low"] as const)("is silent while %s", async (kind) => {
    const { read, board } = await aPort(new Talker([1000]));
    board.faults.inject("serial:ttyUSB0", { kind });

    expect(await read(1, 20)).toEqual({ data: new Uint8Array(0), timedOut: true });
  });
});

describe("a USB adapter", () => {
  it.each([
    [0, 50_000, 100_000],
    [0, 100_000, 100_000],
    [0, 100_001, 300_000],
    [0, 1_000_000, 1_500_000],
    [5, 60_000_000, 62_700_005],
  ])("gone at %i and back at %i is open again at %i µs", (goneUs, backUs, openUs) => {
    expect(reopenedUs(goneUs, backUs)).toBe(openUs);
  });

  it("fails with io_error while it is away, and is used again when it is back under its name", async () => {
    const { line, read, time, board } = await aPort(new Talker([1000, 400_000]));
    board.setPresent("serial:ttyUSB0", false);
    await expect(read(1, 50)).rejects.toMatchObject({ code: "io_error", details: { errno: "ENODEV" } });
    await expect(time.settle(line.write(Uint8Array.of(1), never))).rejects.toMatchObject({
      code: "io_error",
    });
    await time.runUntil(150_000);
    board.setPresent("serial:ttyUSB0", true);
    await expect(read(1, 50)).rejects.toMatchObject({ code: "io_error" });
    await time.runUntil(300_000);

    expect(await read(1, 500)).toEqual({ data: Uint8Array.of(1), timedOut: false });
  });

  it("wakes a reader when it vanishes", async () => {
    const { line, time, board } = await aPort(new Talker([]));
    const reading = line.read({ maxBytes: 1, withinMs: 60_000 }, never);
    const failed = expect(reading).rejects.toMatchObject({ code: "io_error" });
    await time.runFor(10);
    board.faults.inject("serial:ttyUSB0", { kind: "disappear" });
    await time.runFor(0);
    await failed;
    expect(time.nowUs).toBe(10_000);
  });

  it("may come back under another name", async () => {
    const { line, read, time, board, hardware } = await aPort(new Talker([1000, 2_000_000]));
    board.renamePort("ttyUSB0", "ttyUSB1");
    await time.runUntil(1_000_000);

    await expect(read(1, 50)).rejects.toMatchObject({ code: "io_error" });
    await expect(hardware.probe("serial:ttyUSB0")).resolves.toMatchObject({ resource: "serial:ttyUSB0" });
    await line[Symbol.asyncDispose]();
    await expect(hardware.serial("ttyUSB0", usual)).rejects.toMatchObject({ code: "resource_required" });
    const other = await hardware.serial("ttyUSB1", usual);
    expect(await time.settle(other.read({ maxBytes: 1, withinMs: 5000 }, never))).toEqual({
      data: Uint8Array.of(1),
      timedOut: false,
    });
  });
});

describe("a power cut on a serial line", () => {
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7);
  const taken = new SeededEntropy("1", "serial:ttyUSB0").below(data.length + 1);

  it.each(["before", "during", "after"] as const)("%s a write", async (point) => {
    const talker = new Talker([]);
    const { line, time } = await aPort(talker, { steps: new CuttingSteps("serial.write:ttyUSB0", point) });
    void line.write(data, never);

    await time.runFor(1000);

    const expected = { before: 0, during: taken, after: data.length }[point];
    expect(talker.heard.flatMap((part) => part.data)).toEqual([...data.subarray(0, expected)]);
  });

  it("from outside sends the first bytes, and ends waiting readers without an answer", async () => {
    const talker = new Talker([]);
    const { line, time, board } = await aPort(talker);
    let settled = false;
    void line.read({ maxBytes: 1, withinMs: 100 }, never).finally(() => {
      settled = true;
    });
    void line.write(data, never);
    await time.runUntil(3000);
    board.powerOff(time.nowUs);
    await time.runFor(1000);

    expect(talker.heard.flatMap((part) => part.data)).toEqual([...data.subarray(0, taken)]);
    expect(settled).toBe(false);
  });
});
