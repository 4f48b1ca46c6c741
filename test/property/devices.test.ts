/** Devices that answer anything: every reading is believable or a typed fault, and none takes for ever. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ads1115 } from "../../drivers/devices/ads1115.ts";
import { Bme280 } from "../../drivers/devices/bme280.ts";
import { Mcp3008 } from "../../drivers/devices/mcp3008.ts";
import { NmeaGps } from "../../drivers/devices/nmea-gps.ts";
import { Plausibility } from "../../drivers/devices/plausibility.ts";
import type { Measurement } from "../../drivers/devices/sensor.ts";
import { Sht31 } from "../../drivers/devices/sht31.ts";
import { ReceiveBuffer } from "../../drivers/receive-buffer.ts";
import { utf8 } from "../../firmware/core/bytes.ts";
import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus, SerialLine, SpiDevice } from "../../firmware/ports/hardware.ts";
import { ManualClock } from "../support/manual-clock.ts";
import { mutatedBytes, typedLater } from "./mutations.ts";

const signal = new AbortController().signal;
const close = async (): Promise<void> => undefined;

/** Time passes at once: a driver that would wait for ever is stopped by its own bound, or the test's. */
class InstantClock extends ManualClock {
  waits = 0;
  override sleep(): Promise<void> {
    if (++this.waits > 1000) throw new Error("the driver waits without end");
    return Promise.resolve();
  }
}

type Answer = (write: Uint8Array, length: number) => Uint8Array;

function bus(answer: Answer): I2cBus {
  let transfers = 0;
  return {
    transfer: async (_address, write, length) => {
      if (++transfers > 1000) throw new Error("the driver asks without end");
      return answer(write, length);
    },
    [Symbol.asyncDispose]: close,
  };
}

const where = (answer: Answer, clock: Clock) => ({
  bus: bus(answer),
  address: 0x76,
  clock,
  source: "i2c://1/0x76",
});
const FAULTS = ["sensor_fault", "framing", "io_timeout", "nack", "bus_stuck", "io_error"];

/** A number in a range the device can measure, or one of the faults. */
async function judged(
  act: () => Promise<readonly Measurement[]>,
  ranges: readonly (readonly [number, number])[],
): Promise<void> {
  const answer = await typedLater(act);
  if (answer instanceof CodedError) return void expect(FAULTS).toContain(answer.code);
  for (const [i, { value }] of answer.entries()) {
    expect(Number.isFinite(value)).toBe(true);
    const [min, max] = ranges[i] ?? [0, 0];
    expect(value).toBeGreaterThanOrEqual(min);
    expect(value).toBeLessThanOrEqual(max);
  }
}

/** Registers that hold bytes drawn once, with those the driver needs to get past its checks often right. */
const registers = fc.record({
  bytes: fc.uint8Array({ minLength: 256, maxLength: 256 }),
  honest: fc.boolean(),
});

function honestBme280(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  copy[0xd0] = 0x60;
  copy[0xf2] = 1;
  copy[0xf3] = 0;
  copy[0xf4] = 0x24;
  return copy;
}

describe("registers", () => {
  const reads =
    (memory: Uint8Array): Answer =>
    (write, length) =>
      Uint8Array.from({ length }, (_, i) => memory[((write[0] ?? 0) + i) & 0xff] ?? 0);

  it("of a BME280 full of anything give a reading inside its range or a fault", async () => {
    await fc.assert(
      fc.asyncProperty(registers, async ({ bytes, honest }) => {
        const chip = new Bme280(where(reads(honest ? honestBme280(bytes) : bytes), new InstantClock()));
        await judged(async () => {
          const { temperature, pressure, humidity } = await chip.read(signal);
          return [temperature, pressure, humidity];
        }, [
          [-40, 85],
          [30_000, 110_000],
          [0, 100],
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it("of an ADS1115 and the frame of an SHT31 and an MCP3008 give a reading inside the range or a fault", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 6, maxLength: 6 }), async (bytes) => {
        const answer: Answer = (_write, length) => bytes.slice(0, length);
        const adc = new Ads1115(where(answer, new InstantClock()));
        await judged(async () => [await adc.read(0, signal)], [[-4.1, 4.1]]);
        const climate = new Sht31(where(answer, new InstantClock()));
        await judged(async () => {
          const { temperature, humidity } = await climate.read(signal);
          return [temperature, humidity];
        }, [
          [-45, 130],
          [0, 100],
        ]);
        const spi: SpiDevice = { transfer: async () => bytes.slice(0, 3), [Symbol.asyncDispose]: close };
        await judged(async () => [await new Mcp3008(spi, "spi://0.0").read(0, 3.3, signal)], [[0, 3.3]]);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ["stuck at FFh", (_: Uint8Array, length: number) => new Uint8Array(length).fill(0xff)],
    ["stuck at 00h", (_: Uint8Array, length: number) => new Uint8Array(length)],
    ["cut short", (_: Uint8Array, length: number) => new Uint8Array(Math.max(0, length - 1))],
    ["empty", () => new Uint8Array(0)],
    ["longer than asked", (_: Uint8Array, length: number) => new Uint8Array(length + 9).fill(0xaa)],
    [
      "not acknowledged",
      (): Uint8Array => {
        throw new CodedError("nack", "nobody answers");
      },
    ],
  ] satisfies readonly (readonly [string, Answer])[])(
    "%s are a fault with every I2C driver",
    async (_name, answer) => {
      for (const act of [
        () => new Bme280(where(answer, new InstantClock())).read(signal),
        () => new Sht31(where(answer, new InstantClock())).read(signal),
        () => new Ads1115(where(answer, new InstantClock())).read(0, signal),
      ]) {
        const result = await typedLater<unknown>(act);
        expect(result).toBeInstanceOf(CodedError);
      }
    },
  );

  it("whose value is not a number never become a reading, whatever scale is declared", () => {
    const number = fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, 1e308));
    fc.assert(
      fc.property(number, number, number, fc.nat(), (value, scale, offset, at) => {
        const checks = new Plausibility("i2c://1/0x76");
        try {
          const reading = checks.check({ driver: "bme280", scale, offset }, { value, unit: "1" }, at);
          expect(Number.isFinite(reading.value)).toBe(true);
        } catch (error) {
          expect(error).toMatchObject({ code: "sensor_fault" });
        }
      }),
    );
  });
});

describe("NMEA", () => {
  const checksum = (body: string): string =>
    [...body]
      .reduce((sum, char) => sum ^ char.charCodeAt(0), 0)
      .toString(16)
      .toUpperCase()
      .padStart(2, "0");
  const sentence = (body: string): string => `$${body}*${checksum(body)}\r\n`;
  const good = "GPGGA,120000.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,";

  /** A line that gives these bytes after the old ones were dropped, then silence. */
  function line(bytes: Uint8Array): SerialLine {
    const buffer = new ReceiveBuffer();
    let dropped = false;
    return {
      write: close,
      read: async ({ maxBytes, until }) => {
        if (!dropped) {
          dropped = true;
          buffer.push(bytes);
          return { data: new Uint8Array(0), timedOut: true };
        }
        const complete = buffer.takeComplete(maxBytes, until);
        return complete
          ? { data: complete, timedOut: false }
          : { data: buffer.take(maxBytes), timedOut: true };
      },
      [Symbol.asyncDispose]: close,
    };
  }
  const read = (bytes: Uint8Array, quantity: "latitude" | "longitude" | "altitude" | "satellites") =>
    new NmeaGps(line(bytes), "serial://ttyAMA0").read(quantity, signal);

  it("is read where it is whole", async () => {
    const value = async (quantity: "latitude" | "longitude" | "altitude" | "satellites") =>
      (await read(utf8(sentence(good)), quantity)).value;
    expect(await value("latitude")).toBeCloseTo(48.1173, 4);
    expect(await value("longitude")).toBeCloseTo(11.51667, 4);
    expect(await value("altitude")).toBe(545.4);
    expect(await value("satellites")).toBe(8);
  });

  it("with bytes changed is passed over or a fault, whatever arrives", async () => {
    const noise = fc.oneof(mutatedBytes(utf8(sentence(good))), fc.uint8Array({ maxLength: 5000 }));
    await fc.assert(
      fc.asyncProperty(noise, async (bytes) => {
        await judged(async () => [await read(bytes, "latitude")], [[-90, 90]]);
      }),
      { numRuns: 300 },
    );
  });

  const fields = good.split(",");
  const nothing = ["", "x", "-", "NaN", "1e999", "9999.99", "99999.99", "12", ".", "0x10"];
  const holes = [2, 3, 4, 5, 6, 9].flatMap((at) => nothing.map((text) => [at, text] as const));
  it.each(holes)(
    "whose field %i reads %j, with a right checksum, gives no invented place",
    async (at, text) => {
      const bytes = utf8(sentence(fields.map((field, i) => (i === at ? text : field)).join(",")));
      const quantity = at === 9 ? "altitude" : at < 4 ? "latitude" : "longitude";
      const result = await typedLater(() => read(bytes, quantity));
      if (at === 9 && ["12", "9999.99", "99999.99"].includes(text))
        return void expect(result).toMatchObject({ value: Number(text) });
      expect(result).toBeInstanceOf(CodedError);
    },
  );

  it("cut off after any field is damaged", async () => {
    for (let length = 1; length < 11; length++) {
      const bytes = utf8(sentence(fields.slice(0, length).join(",")));
      await expect(read(bytes, "latitude")).rejects.toMatchObject({ code: "framing" });
    }
  });

  it("buffers keep no more than their capacity, whatever is poured in", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 9000 }), { maxLength: 5 }), (pieces) => {
        const buffer = new ReceiveBuffer(4096);
        for (const piece of pieces) buffer.push(piece);
        const poured = pieces.reduce((sum, { length }) => sum + length, 0);
        expect(buffer.length).toBe(Math.min(4096, poured));
        expect(buffer.dropped + buffer.length).toBe(poured);
      }),
    );
  });
});
