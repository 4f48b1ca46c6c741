import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { listKernelChips, type NativeModules, systemAccess } from "../../drivers/providers/index.ts";
import { never } from "../sim/virtual-board.ts";
import { aLinuxBoard, errno, FakeOnoff, FakeTree } from "./fake-linux.ts";

type I2c = NativeModules["i2c-bus"];

function i2cModule(handle: Partial<Awaited<ReturnType<I2c["openPromisified"]>>>): I2c {
  const refuse = async (): Promise<never> => {
    throw errno("ENXIO");
  };
  const whole = { i2cRead: refuse, i2cWrite: refuse, readI2cBlock: refuse, close: async () => undefined };
  return { openPromisified: async () => ({ ...whole, ...handle }) };
}

describe("the Linux providers", () => {
  it("load nothing native when they are imported", () => {
    const cache = Object.keys(createRequire(import.meta.url).cache ?? {});

    expect(
      cache.filter((path) => /node_modules\/(onoff|i2c-bus|spi-device|epoll|@serialport)\//.test(path)),
    ).toEqual([]);
  });

  it("find a chip by its label and count lines from its base", async () => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58).chip(570, "raspberrypi-exp-gpio", 8);
    const onoff = new FakeOnoff();
    const { hardware } = aLinuxBoard(tree, { onoff: onoff.module() });

    await hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 });

    expect([...onoff.exported.keys()]).toEqual([529]);
    expect(await listKernelChips(systemAccess(tree.root))).toContainEqual({
      label: "raspberrypi-exp-gpio",
      base: 570,
      lines: 8,
    });
  });

  it("ask for board data when no chip has the label", async () => {
    using tree = new FakeTree().chip(0, "pinctrl-other", 54);
    const { hardware } = aLinuxBoard(tree, { onoff: new FakeOnoff().module() });

    expect(await hardware.probe("gpio:gpiochip0")).toMatchObject({
      resource: "gpio:gpiochip0",
      commands: [],
    });
  });

  it.each([
    ["EBUSY", "target_busy"],
    ["EINVAL", "io_error"],
  ])("turn %s at export into %s and free the line again", async (code, expected) => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58);
    const onoff = new FakeOnoff();
    onoff.failWith = errno(code);
    const { hardware } = aLinuxBoard(tree, { onoff: onoff.module() });
    const open = () => hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 });

    await expect(open()).rejects.toMatchObject({ code: expected });
    onoff.failWith = null;

    expect(await (await open()).read()).toBe(0);
  });

  it("name the group when the right to export is missing", async () => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58);
    const onoff = new FakeOnoff();
    onoff.failWith = errno("EACCES");
    const { hardware } = aLinuxBoard(tree, { onoff: onoff.module() });

    await expect(
      hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 0 }),
    ).rejects.toMatchObject({
      code: "resource_required",
      requirement: { commands: ["sudo usermod -aG gpio imud", "sudo systemctl restart imud"] },
    });
  });

  it("do not believe a line that was exported by somebody else and does not obey", async () => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58);
    const onoff = new FakeOnoff();
    onoff.stubborn = true;
    const { hardware } = aLinuxBoard(tree, { onoff: onoff.module() });

    await expect(
      hardware.gpio({ chip: "gpiochip0", line: 17, direction: "out", initial: 1 }),
    ).rejects.toMatchObject({ code: "target_busy" });
  });

  it("promise only the pull a line has from power on", async () => {
    using tree = new FakeTree().chip(512, "pinctrl-bcm2711", 58);
    const { hardware } = aLinuxBoard(tree, { onoff: new FakeOnoff().module() });
    const open = (line: number) =>
      hardware.gpio({ chip: "gpiochip0", line, direction: "in", bias: "pull-up" });

    await expect(open(23)).rejects.toMatchObject({ code: "io_error", details: { bias: "pull-up" } });
    expect(await (await open(5)).read()).toBe(0);
  });

  it("name package and version when a native module is missing", async () => {
    using tree = new FakeTree().file("/dev/i2c-1");
    const { hardware } = aLinuxBoard(tree);

    await expect(hardware.i2c(1)).rejects.toMatchObject({
      code: "resource_required",
      requirement: {
        resource: "module:i2c-bus",
        commands: ["npm install i2c-bus@5.2.3"],
      },
    });
  });

  it("find a bus as soon as its node appears", async () => {
    using tree = new FakeTree();
    const { hardware } = aLinuxBoard(tree, { "i2c-bus": i2cModule({}) });
    const before = await hardware.probe("bus:i2c:1");

    tree.file("/dev/i2c-1");

    expect(before).toMatchObject({ commands: ["sudo raspi-config nonint do_i2c 0"] });
    expect(await hardware.probe("bus:i2c:1")).toBeNull();
  });

  it("probe modules and rights that were missing before", async () => {
    using tree = new FakeTree().file("/dev/i2c-1");
    const without = aLinuxBoard(tree).hardware;
    const withModule = aLinuxBoard(tree, { "i2c-bus": i2cModule({}) }).hardware;

    expect(await without.probe("module:i2c-bus")).toMatchObject({ resource: "module:i2c-bus" });
    expect(await withModule.probe("module:i2c-bus")).toBeNull();
    expect(await withModule.probe("permission:/dev/i2c-1")).toBeNull();
    expect(await withModule.probe("permission:/dev/ttyS0")).toMatchObject({ resource: "serial:ttyS0" });
  });

  it.each([
    ["ENXIO", "nack"],
    ["EREMOTEIO", "nack"],
    ["ETIMEDOUT", "io_timeout"],
    ["EBUSY", "target_busy"],
    ["EIO", "io_error"],
  ])("turn %s of an I2C call into %s", async (code, expected) => {
    using tree = new FakeTree().file("/dev/i2c-1");
    const fail = async (): Promise<never> => {
      throw errno(code);
    };
    const { hardware } = aLinuxBoard(tree, { "i2c-bus": i2cModule({ readI2cBlock: fail }) });
    const bus = await hardware.i2c(1);

    await expect(bus.transfer(0x76, Uint8Array.of(0xd0), 1, never)).rejects.toMatchObject({ code: expected });
  });

  it("give up an I2C call that hangs, and never touch the bus for those that gave up waiting", async () => {
    using tree = new FakeTree().file("/dev/i2c-1");
    let calls = 0;
    let finish = (): void => undefined;
    const hang = () => {
      calls++;
      return new Promise<{ bytesRead: number }>((resolve) => {
        finish = () => resolve({ bytesRead: 1 });
      });
    };
    const { hardware } = aLinuxBoard(tree, { "i2c-bus": i2cModule({ readI2cBlock: hang }) });
    const bus = await hardware.i2c(1);
    const abort = new AbortController();
    const read = () => bus.transfer(0x76, Uint8Array.of(0xd0), 1, abort.signal);

    const begun = expect(read()).rejects.toMatchObject({ code: "io_aborted", details: { touched: true } });
    const waiting = expect(read()).rejects.toMatchObject({ code: "io_aborted", details: { touched: false } });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort();
    await begun;
    await waiting;
    finish();
    await hardware[Symbol.asyncDispose]();

    expect(calls).toBe(1);
  });

  it("refuse an SPI message above the kernel's buffer before touching the bus", async () => {
    using tree = new FakeTree().file("/dev/spidev0.0");
    let transfers = 0;
    const handle = {
      transfer: (message: readonly { receiveBuffer: Buffer }[], done: (error: null) => void) => {
        transfers++;
        message[0]?.receiveBuffer.fill(0xab);
        done(null);
      },
      setOptions: (_options: unknown, done: (error: null) => void) => done(null),
      close: (done: (error: null) => void) => done(null),
    };
    const module = {
      open: (_bus: number, _device: number, _options: unknown, done: (error: null) => void) => {
        setImmediate(done, null);
        return handle;
      },
    };
    const { hardware } = aLinuxBoard(tree, { "spi-device": module });
    const spi = await hardware.spi(0, 0);
    const options = { mode: 0, speedHz: 1_000_000, bitsPerWord: 8 } as const;

    await expect(spi.transfer(new Uint8Array(4097), options, never)).rejects.toMatchObject({
      code: "io_error",
      details: { touched: false, bytes: 4097 },
    });
    const answer = await spi.transfer(new Uint8Array(2), options, never);

    expect([...answer]).toEqual([0xab, 0xab]);
    expect(transfers).toBe(1);
  });
});
