import { describe, expect, it } from "vitest";
import { Contact } from "../../../sim/board/contact.ts";
import type { LineWiring } from "../../../sim/board/line-wiring.ts";
import { RelayModel } from "../../../sim/devices/relay.ts";
import { SeededEntropy } from "../../../sim/time/entropy.ts";
import { aBoard, aProbe, CuttingSteps, input, output } from "./bench.ts";

const sensor = (level: 0 | 1, drives: "low" | "high" | "both" = "both") => {
  const contact = new Contact(new SeededEntropy("1", "contact"), level);
  const wiring: LineWiring = { kind: "contact", contact, drives };
  return { contact, wiring };
};

describe("lines of a simulated board", () => {
  it("go through numbered steps and leave one record for each effect", async () => {
    const { hardware, steps, records } = aBoard();

    const line = await hardware.gpio(output(17, 0));
    await line.write(1);
    await line.read();
    await line[Symbol.asyncDispose]();

    expect(steps.labels).toEqual(["gpio.request:17", "gpio.write:17", "gpio.read:17", "gpio.release:17"]);
    expect(records).toEqual([
      { kind: "gpio.request", data: { line: 17, direction: "out", value: 0 } },
      { kind: "gpio.write", data: { line: 17, value: 1 } },
      { kind: "gpio.release", data: { line: 17 } },
    ]);
  });

  it("belong to one owner, whatever name of the chip is used", async () => {
    const { hardware } = aBoard();
    await hardware.gpio(output(17, 0));

    await expect(hardware.gpio({ ...input(17), chip: "pinctrl-sim" })).rejects.toMatchObject({
      code: "target_busy",
      details: { errno: "EBUSY" },
    });
    await expect(hardware.gpio(input(0))).rejects.toMatchObject({ details: { errno: "EACCES" } });
  });

  it("give the pull that was asked for, and noise of their own stream when they float", async () => {
    const { hardware } = aBoard();
    const up = await hardware.gpio(input(5, "pull-up"));
    const down = await hardware.gpio(input(6, "pull-down"));
    const floating = await hardware.gpio(input(22));
    const noise = new SeededEntropy("1", "gpio:22");
    const expected = Array.from({ length: 40 }, () => (noise.float() < 0.5 ? 1 : 0));

    expect([await up.read(), await down.read()]).toEqual([1, 0]);
    const seen: number[] = [];
    for (let i = 0; i < 40; i++) seen.push(await floating.read());
    expect(seen).toEqual(expected);
  });

  it("tell observers of each electrical change of an output, and of its end", async () => {
    const { board, hardware, time } = aBoard();
    const seen: unknown[] = [];
    board.onLine((line, level, atUs) => seen.push([line, level, atUs]));
    const line = await hardware.gpio(output(17, 1));
    await time.runFor(5);
    await line.write(1);
    await line.write(0);
    expect(board.levelOf(17)).toBe(0);
    await line[Symbol.asyncDispose]();

    expect(seen).toEqual([
      [17, 1, 0],
      [17, 0, 5000],
      [17, null, 5000],
    ]);
    expect(board.levelOf(17)).toBeNull();
  });

  it("that are joined read what the other drives, and contend when both drive differently", async () => {
    const violations: number[] = [];
    const { hardware, of } = aBoard({
      wiring: { joined: [[5, 6]] },
      onContention: (line) => violations.push(line),
    });
    const a = await hardware.gpio(output(5, 1));
    const asInput = await hardware.gpio(input(6, "pull-down"));
    expect(await asInput.read()).toBe(1);
    await asInput[Symbol.asyncDispose]();

    const b = await hardware.gpio(output(6, 0));
    expect([await a.read(), await b.read()]).toEqual([0, 0]);
    await a.write(0);
    await a.write(1);

    expect(of("gpio_contention")).toEqual([{ lines: [5, 6] }, { lines: [5, 6] }]);
    expect(violations).toEqual([5, 5]);
  });

  it("notice a sensor that changes against an output later on", async () => {
    const { contact, wiring } = sensor(0);
    const { hardware, time, of } = aBoard({ wiring: { gpio: new Map([[23, wiring]]) } });
    await hardware.gpio(output(23, 0));
    await time.runFor(10);
    expect(of("gpio_contention")).toEqual([]);

    contact.actuate(time.nowUs, 1);
    await time.runFor(10);

    expect(of("gpio_contention").length).toBeGreaterThan(0);
  });

  it("do not contend with an open contact, which leaves the level to a pull", async () => {
    const { wiring } = sensor(1, "low");
    const { hardware, of } = aBoard({ wiring: { gpio: new Map([[23, wiring]]) } });

    const line = await hardware.gpio(output(23, 0));

    expect([await line.read(), of("gpio_contention")]).toEqual([0, []]);
  });

  it("read and drive the level that they are stuck at", async () => {
    const probe = aProbe();
    const { hardware, board } = aBoard({ wiring: { gpio: new Map([[17, probe.wiring]]) } });
    const line = await hardware.gpio(output(17, 0));

    board.faults.inject("gpio:17", { kind: "stuck_high" });
    await line.write(0);
    const stuck = await line.read();
    board.faults.clear("gpio:17");

    expect([stuck, await line.read()]).toEqual([1, 0]);
    expect(probe.levels.map(({ level }) => level)).toEqual([0, 1, 0]);
  });

  it("refuses faults that mean nothing on a target", () => {
    const { board } = aBoard();

    expect(() => board.faults.inject("gpio:17", { kind: "nack", p: 1 })).toThrow(
      expect.objectContaining({ code: "scenario_invalid" }),
    );
    expect(() => board.faults.inject("usb:1", { kind: "disappear" })).toThrow();
  });
});

describe("the power of a simulated board", () => {
  it("leaves all lines at their reset state when it goes, and an active-low relay at its pull", async () => {
    const relay = new RelayModel({ activeLow: true, idle: 1 });
    const wiring = new Map<number, LineWiring>([[17, { kind: "actuator", actuator: relay }]]);
    const { hardware, board, time, clock } = aBoard({ wiring: { gpio: wiring } });
    await hardware.gpio(output(17, 0));
    await time.runFor(100);
    expect(relay.closed(time.nowUs)).toBe(true);

    board.powerOff(time.nowUs);
    await time.runFor(100);
    expect([relay.closed(time.nowUs), board.levelOf(17)]).toEqual([false, null]);

    board.powerOn(time.nowUs);
    const again = await board.hardware(new CuttingSteps(), clock).gpio(output(17, 0));
    expect(await again.read()).toBe(0);
  });

  it("takes the process with it: nothing of it settles or changes a line afterwards", async () => {
    const probe = aProbe();
    const { hardware, board, time } = aBoard({ wiring: { gpio: new Map([[17, probe.wiring]]) } });
    const line = await hardware.gpio(output(17, 1));
    board.powerOff(time.nowUs);
    let settled = false;
    void line.write(0).finally(() => {
      settled = true;
    });

    await time.runFor(1000);

    expect([settled, probe.levels.map(({ level }) => level)]).toEqual([false, [1, null]]);
  });

  it("lets a killed process's lines fall to reset, or keeps them where the kernel does", async () => {
    const reset = aBoard();
    await reset.hardware.gpio(output(17, 1));
    reset.board.release(reset.time.nowUs);
    const kept = aBoard();
    await kept.hardware.gpio(output(17, 1));
    kept.board.release(kept.time.nowUs, "keep");

    expect([reset.board.levelOf(17), kept.board.levelOf(17)]).toEqual([null, 1]);
    const next = await kept.board.hardware(new CuttingSteps(), kept.clock).gpio(output(17, 0));
    expect(await next.read()).toBe(0);
  });

  it.each([
    [16, 5.1, 0, 0],
    [17, 5.09, 1, 0],
    [62, 4.64, 1, 0],
    [64, 4.62, 1, 1],
  ])("drops by what a line of %i mA draws too much: %f V", async (loadMa, volts, low, brownOuts) => {
    const probe = aProbe(loadMa);
    let count = 0;
    const { hardware, board, of, time } = aBoard({
      wiring: { gpio: new Map([[17, probe.wiring]]) },
      onBrownOut: () => count++,
    });
    const line = await hardware.gpio(output(17, 0));
    expect(board.supply.volts).toBeCloseTo(5.1, 6);

    await line.write(1);
    await time.runFor(1);

    expect(board.supply.volts).toBeCloseTo(volts, 6);
    expect([of("undervoltage").length, of("brownout").length, count]).toEqual([low, brownOuts, brownOuts]);
    await line.write(0);
    expect([board.supply.volts, board.supply.isLow]).toEqual([5.1, false]);
  });

  it("counts all lines together, and what the world gives", async () => {
    const lines = [5, 6, 12, 13];
    const gpio = new Map(lines.map((line) => [line, aProbe(15).wiring]));
    const { hardware, board, of } = aBoard({ wiring: { gpio } });
    for (const line of lines) await hardware.gpio(output(line, 1));
    expect(board.supply.volts).toBeCloseTo(5.1 - 0.1, 6);

    board.supply.give(4.7);

    expect(of("brownout")).toEqual([{ millivolts: 4600 }]);
  });

  it("throttles at 80 °C", () => {
    const { board, of } = aBoard();
    for (const celsius of [79.9, 80, 85, 79]) board.setTemperature(celsius);

    expect([board.throttled, of("throttle")]).toEqual([false, [{ on: true }, { on: false }]]);
  });
});
