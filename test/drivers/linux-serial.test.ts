import { describe, expect, it } from "vitest";
import type { NativeModules } from "../../drivers/providers/index.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { never } from "../sim/virtual-board.ts";
import { aLinuxBoard, errno, FakeTree } from "./fake-linux.ts";

type Done = (error: Error | null) => void;

/** serialport with one port that a test can pull out and plug in. */
class FakePort {
  opened = 0;
  plugged = true;
  lockedByOther = false;
  readonly written: Buffer[] = [];
  data: (bytes: Buffer) => void = () => undefined;
  #close: () => void = () => undefined;

  unplug(): void {
    this.plugged = false;
    this.#close();
  }

  module(): NativeModules["serialport"] {
    const fake = this;
    return {
      SerialPort: class {
        isOpen = false;
        open(done: Done) {
          fake.opened++;
          if (fake.lockedByOther)
            return done(new Error("Resource temporarily unavailable, cannot lock port"));
          if (!fake.plugged) return done(errno("ENOENT"));
          this.isOpen = true;
          done(null);
        }
        close(done: Done) {
          this.isOpen = false;
          done(null);
          fake.#close();
        }
        write(data: Buffer, done: Done) {
          fake.written.push(data);
          done(null);
        }
        drain(done: Done) {
          done(null);
        }
        on(event: string, listener: (value: never) => void) {
          if (event === "data") fake.data = (bytes) => listener(bytes as never);
          if (event === "close") fake.#close = () => listener(undefined as never);
        }
      },
    };
  }
}

const OPTIONS = { baudRate: 9600, parity: "none", stopBits: 1 } as const;

describe("a serial port through serialport", () => {
  it("returns a line as soon as its end came, and a partial one as timed out", async () => {
    using tree = new FakeTree().file("/dev/ttyUSB0");
    const port = new FakePort();
    const { hardware, time } = aLinuxBoard(tree, { serialport: port.module() });
    const line = await hardware.serial("ttyUSB0", OPTIONS);
    const request = { maxBytes: 64, until: utf8("\n"), withinMs: 500 };

    port.data(Buffer.from("one\ntw"));
    const first = await time.settle(line.read(request, never));
    const second = await time.settle(line.read(request, never));

    expect([Buffer.from(first.data).toString(), first.timedOut]).toEqual(["one\n", false]);
    expect([Buffer.from(second.data).toString(), second.timedOut]).toEqual(["tw", true]);
  });

  it("has one owner, and says when another process has it", async () => {
    using tree = new FakeTree().file("/dev/ttyUSB0");
    const port = new FakePort();
    const { hardware } = aLinuxBoard(tree, { serialport: port.module() });
    port.lockedByOther = true;
    await expect(hardware.serial("ttyUSB0", OPTIONS)).rejects.toMatchObject({
      code: "target_busy",
      status: 409,
    });
    port.lockedByOther = false;

    const line = await hardware.serial("ttyUSB0", OPTIONS);

    await expect(hardware.serial("ttyUSB0", OPTIONS)).rejects.toMatchObject({ code: "target_busy" });
    await line.write(utf8("AT"), never);
    expect(Buffer.concat(port.written).toString()).toBe("AT");
  });

  it("fails while the port is gone, opens it again with growing pauses, and works when it is back", async () => {
    using tree = new FakeTree().file("/dev/ttyUSB0");
    const port = new FakePort();
    const { hardware, time } = aLinuxBoard(tree, { serialport: port.module() });
    const line = await hardware.serial("ttyUSB0", OPTIONS);
    const request = { maxBytes: 2, withinMs: 60_000 };

    const waiting = line.read(request, never);
    port.unplug();
    await expect(time.settle(waiting)).rejects.toMatchObject({
      code: "io_error",
      details: { touched: false },
    });
    await expect(line.write(utf8("x"), never)).rejects.toMatchObject({ code: "io_error" });
    await time.runFor(60_000);
    const attempts = port.opened - 1;
    port.plugged = true;
    await time.runFor(10_000);
    port.data(Buffer.from("ok"));

    expect(attempts).toBeGreaterThan(5);
    expect(attempts).toBeLessThan(15);
    expect(Buffer.from((await time.settle(line.read(request, never))).data).toString()).toBe("ok");
  });

  it("stops trying once it is disposed", async () => {
    using tree = new FakeTree().file("/dev/ttyUSB0");
    const port = new FakePort();
    const { hardware, time } = aLinuxBoard(tree, { serialport: port.module() });
    await hardware.serial("ttyUSB0", OPTIONS);
    port.unplug();

    await hardware[Symbol.asyncDispose]();
    const opened = port.opened;
    await time.runFor(60_000);

    expect(port.opened).toBe(opened);
  });
});
