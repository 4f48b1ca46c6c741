import { describe, expect, it } from "vitest";
import type { GpioEdge, Hardware, Level } from "../../firmware/ports/hardware.ts";
import { aGreenhouse } from "../sim/virtual-board.ts";
import { aLinuxBoard, FakeOnoff, FakeTree } from "./fake-linux.ts";

interface Bench extends Disposable {
  readonly hardware: Hardware;
  readonly chip: string;
  /** Moves the contact on line 23 and lets `ms` pass. */
  contact(level: Level, ms: number): Promise<void>;
}

function simulated(): Bench {
  const { hardware, world, time } = aGreenhouse();
  return {
    hardware,
    chip: "gpiochip0",
    contact: async (level, ms) => {
      world.setDoor(level === 1, hardware.nowUs());
      await time.runFor(ms);
    },
    [Symbol.dispose]: () => undefined,
  };
}

function linux(): Bench {
  const tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58);
  const onoff = new FakeOnoff();
  const { hardware, time } = aLinuxBoard(tree, { onoff: onoff.module() });
  return {
    hardware,
    chip: "gpiochip0",
    contact: async (level, ms) => {
      onoff.exported.set(512 + 23, { direction: "in", value: level });
      onoff.watchers.get(512 + 23)?.(null, level);
      await time.runFor(ms);
    },
    [Symbol.dispose]: () => tree[Symbol.dispose](),
  };
}

describe.each([
  ["simulated hardware", simulated],
  ["the Linux providers", linux],
])("GPIO on %s", (_name, bench) => {
  it("drives an output from its first level on and reads it back", async () => {
    using b = bench();
    const line = await b.hardware.gpio({ chip: b.chip, line: 17, direction: "out", initial: 1 });

    const first = await line.read();
    await line.write(0);

    expect([first, await line.read()]).toEqual([1, 0]);
  });

  it("gives a line to one owner at a time", async () => {
    using b = bench();
    const line = await b.hardware.gpio({ chip: b.chip, line: 17, direction: "out", initial: 0 });

    const second = b.hardware.gpio({ chip: b.chip, line: 17, direction: "out", initial: 0 });
    await expect(second).rejects.toMatchObject({ code: "target_busy", status: 409 });
    await line[Symbol.asyncDispose]();

    const third = await b.hardware.gpio({ chip: b.chip, line: 17, direction: "out", initial: 0 });
    expect(await third.read()).toBe(0);
  });

  it("refuses to write an input and to use a released line", async () => {
    using b = bench();
    const line = await b.hardware.gpio({ chip: b.chip, line: 23, direction: "in", bias: "none" });

    await expect(line.write(1)).rejects.toMatchObject({ code: "io_error" });
    await line[Symbol.asyncDispose]();
    await expect(line.read()).rejects.toMatchObject({ code: "io_error" });
  });

  it("refuses lines the board needs itself, lines beyond the end and unknown chips", async () => {
    using b = bench();
    const open = (chip: string, line: number) =>
      b.hardware.gpio({ chip, line, direction: "in", bias: "none" });

    await expect(open(b.chip, 0)).rejects.toMatchObject({ code: "target_busy" });
    await expect(open(b.chip, 58)).rejects.toMatchObject({ code: "io_error" });
    await expect(open("gpiochip9", 17)).rejects.toMatchObject({
      code: "resource_required",
      requirement: { resource: "gpio:gpiochip9", commands: [], requiresConsent: false },
    });
  });

  it("reports an edge once it has been stable for the debounce time, and none after disposal", async () => {
    using b = bench();
    const line = await b.hardware.gpio({ chip: b.chip, line: 23, direction: "in", bias: "none" });
    const rising: GpioEdge[] = [];
    const watch = line.watch("rising", 10, (edge) => rising.push(edge));

    await b.contact(1, 100);
    await b.contact(0, 100);
    await b.contact(1, 100);
    watch[Symbol.dispose]();
    await b.contact(0, 100);
    await b.contact(1, 100);

    expect(rising.map((edge) => edge.value)).toEqual([1, 1]);
    expect((rising[1]?.monoMs ?? 0) - (rising[0]?.monoMs ?? 0)).toBeGreaterThan(150);
  });
});
