import { describe, expect, it } from "vitest";
import type { SpiOptions } from "../../../firmware/ports/hardware.ts";
import { Mcp3008Model } from "../../../sim/devices/mcp3008.ts";
import type { SpiTarget } from "../../../sim/devices/target.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { never } from "../virtual-board.ts";
import { aBoard } from "./bench.ts";

const usual: SpiOptions = { mode: 0, speedHz: 1_000_000, bitsPerWord: 8 };

async function aDevice(target: SpiTarget | null) {
  const bench = aBoard({ wiring: { spi: new Map(target ? [["0.0", target]] : []) } });
  const device = await bench.hardware.spi(0, 0);
  const transfer = async (data: readonly number[], options: Partial<SpiOptions> = {}) => [
    ...(await bench.time.settle(device.transfer(Uint8Array.from(data), { ...usual, ...options }, never))),
  ];
  return { ...bench, transfer };
}

/** Answers the complement of what it is sent. */
const inverting = (modes?: readonly number[]): SpiTarget => ({
  maxHz: 2_000_000,
  transfer: (data) => data.map((byte) => byte ^ 0xff),
  ...(modes ? { modes } : {}),
});

describe("a simulated SPI device", () => {
  it("takes its bits at the clock and is one step and one record", async () => {
    const { transfer, time, steps, records } = await aDevice(inverting());

    expect(await transfer([1, 2, 3])).toEqual([254, 253, 252]);

    expect([time.nowUs, steps.labels]).toEqual([24, ["spi.transfer:0.0"]]);
    expect(records).toEqual([{ kind: "spi", data: { device: "0.0", tx: "010203", rx: "fefdfc" } }]);
  });

  it("gives the code of the golden example", async () => {
    const { transfer } = await aDevice(new Mcp3008Model({ vref: 3.3, volts: () => 1.65 }));

    expect(await transfer([0x01, 0x80, 0x00])).toEqual([0, 2, 0]);
  });

  it("reads FFh where nothing is", async () => {
    expect(await (await aDevice(null)).transfer([1, 2])).toEqual([255, 255]);
    const unplugged = await aDevice(inverting());
    unplugged.board.faults.inject("spi:0.0", { kind: "disappear" });
    expect(await unplugged.transfer([1, 2])).toEqual([255, 255]);
  });

  it("gives bits of its stream when the clock is too fast, and says so", async () => {
    const { transfer, of } = await aDevice(inverting());

    expect(await transfer([0, 0, 0], { speedHz: 2_000_001 })).toEqual([
      ...new SeededEntropy("1", "spi:0.0").bytes(3),
    ]);
    expect(of("spi_overclock")).toEqual([{ device: "0.0", hz: 2_000_001, maxHz: 2_000_000 }]);
  });

  it.each([
    [undefined, 0, [0x0f, 0xf0]],
    [undefined, 3, [0x0f, 0xf0]],
    [undefined, 1, [0x1f, 0xe0]],
    [[1], 1, [0x0f, 0xf0]],
    [[1], 0, [0x1f, 0xe0]],
  ])("with modes %j loses a bit in the wrong one: %i", async (modes, mode, expected) => {
    const { transfer } = await aDevice(inverting(modes));

    expect(await transfer([0xf0, 0x0f], { mode: mode as 0 | 1 | 3 })).toEqual(expected);
  });

  it("shows stuck lines, other chips and slow buses", async () => {
    const { transfer, board, time } = await aDevice(inverting());
    board.faults.inject("spi:0.0", { kind: "stuck_low" });
    expect(await transfer([1, 2])).toEqual([0, 0]);
    board.faults.clear("spi:0.0");
    board.faults.inject("spi:0.0", { kind: "wrong_id", register: 0x50, value: 0x60 });
    expect(await transfer([0xd0, 0])).toEqual([0x2f, 0x60]);
    expect(await transfer([0xd1, 0])).toEqual([0x2e, 0xff]);
    board.faults.clear("spi:0.0");
    board.faults.inject("spi:0.0", { kind: "slow", factor: 10 });
    const before = time.nowUs;
    await transfer([0]);
    expect(time.nowUs - before).toBe(80);
  });

  it("refuses messages longer than the kernel's buffer, without a step", async () => {
    const { transfer, steps } = await aDevice(inverting());

    await expect(transfer(new Array(4097).fill(0))).rejects.toMatchObject({ code: "io_error" });
    expect(steps.labels).toEqual([]);
  });
});
