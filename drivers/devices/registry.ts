import { CodedError } from "../../firmware/core/errors.ts";
import type { Clock } from "../../firmware/ports/clock.ts";
import type { I2cBus } from "../../firmware/ports/hardware.ts";
import { Ads1115 } from "./ads1115.ts";
import { Bme280 } from "./bme280.ts";
import { Mcp3008 } from "./mcp3008.ts";
import { type GpsQuantity, NmeaGps } from "./nmea-gps.ts";
import { Plausibility } from "./plausibility.ts";
import type { ChannelConfig, Measurement, Reading, SensorContext, SensorDriver } from "./sensor.ts";
import { Sht31 } from "./sht31.ts";
import { Switch } from "./switch.ts";

type Measure = (channel: ChannelConfig, signal: AbortSignal) => Promise<Measurement>;

/** An opened device that may serve several channels, one reading at a time. */
interface SharedDevice extends AsyncDisposable {
  readonly measure: (quantity: string, channel: ChannelConfig, signal: AbortSignal) => Promise<Measurement>;
}

const I2C_DRIVERS: readonly ChannelConfig["driver"][] = ["bme280", "sht31", "ads1115"];
const DEFAULT_VREF = 3.3;
const DEFAULT_BAUD = 9600;

function unfit(uri: string, why: string): CodedError {
  return new CodedError("bad_args", `${uri}: ${why}`, { status: 422, details: { uri, why } });
}

/** The bus belongs to the hardware, other devices share it: nothing is released with a device on it. */
const keepBus = async (): Promise<void> => undefined;

function inputNumber(uri: string, quantity: string, last: number): number {
  const input = /^ch(\d)$/.exec(quantity)?.[1];
  if (input === undefined || Number(input) > last) throw unfit(uri, `channels are ch0 to ch${last}`);
  return Number(input);
}

async function openI2c(
  bus: I2cBus,
  address: number,
  uri: string,
  driver: ChannelConfig["driver"],
  clock: Clock,
): Promise<SharedDevice> {
  const where = { bus, address, clock, source: deviceOf(uri) };
  if (driver === "ads1115") {
    const adc = new Ads1115(where);
    return {
      measure: (quantity, _channel, signal) => adc.read(inputNumber(uri, quantity, 3), signal),
      [Symbol.asyncDispose]: keepBus,
    };
  }
  const chip = driver === "sht31" ? new Sht31(where) : new Bme280(where);
  return {
    measure: async (quantity, _channel, signal) => {
      const climate: Readonly<Record<string, Measurement>> = { ...(await chip.read(signal)) };
      const measurement = Object.hasOwn(climate, quantity) ? climate[quantity] : undefined;
      if (!measurement) throw unfit(uri, `the ${driver} does not measure ${quantity}`);
      return measurement;
    },
    [Symbol.asyncDispose]: keepBus,
  };
}

async function openDevice(
  uri: string,
  channel: ChannelConfig,
  context: SensorContext,
): Promise<SharedDevice> {
  const { hardware, clock } = context;
  const i2c = /^i2c:\/\/(\d{1,3})\/0x([0-7][0-9a-f])(?:\/|$)/.exec(uri);
  if (i2c && I2C_DRIVERS.includes(channel.driver)) {
    const bus = await hardware.i2c(Number(i2c[1]));
    return await openI2c(bus, Number.parseInt(i2c[2] ?? "", 16), uri, channel.driver, clock);
  }
  const spi = /^spi:\/\/(\d{1,2})\.(\d{1,2})(?:\/|$)/.exec(uri);
  if (spi && channel.driver === "mcp3008") {
    const device = await hardware.spi(Number(spi[1]), Number(spi[2]));
    const adc = new Mcp3008(device, deviceOf(uri));
    return {
      measure: async (quantity, config, signal) => {
        const input = inputNumber(uri, quantity, 7);
        return await adc.read(input, config.vref ?? DEFAULT_VREF, signal);
      },
      [Symbol.asyncDispose]: () => device[Symbol.asyncDispose](),
    };
  }
  const serial = /^serial:\/\/([A-Za-z0-9_.-]+)(?:\/|$)/.exec(uri);
  if (serial && channel.driver === "nmea") return await openGps(serial[1] ?? "", uri, channel, context);
  const gpio = /^gpio:\/\/([A-Za-z0-9_-]+)\/(\d{1,3})$/.exec(uri);
  if (gpio && channel.driver === "switch") {
    const bias = channel.bias ?? "none";
    const line = await hardware.gpio({ chip: gpio[1] ?? "", line: Number(gpio[2]), direction: "in", bias });
    const contact = new Switch(line, { activeLow: channel.activeLow ?? false });
    return { measure: () => contact.read(), [Symbol.asyncDispose]: () => line[Symbol.asyncDispose]() };
  }
  throw unfit(uri, `the driver ${channel.driver} does not fit the address`);
}

const GPS_QUANTITIES: readonly GpsQuantity[] = ["latitude", "longitude", "altitude", "satellites"];

async function openGps(
  port: string,
  uri: string,
  channel: ChannelConfig,
  { hardware }: SensorContext,
): Promise<SharedDevice> {
  const baudRate = channel.baudRate ?? DEFAULT_BAUD;
  const line = await hardware.serial(port, { baudRate, parity: "none", stopBits: 1 });
  const gps = new NmeaGps(line, deviceOf(uri));
  return {
    measure: async (quantity, _channel, signal) => {
      const known = GPS_QUANTITIES.find((other) => other === quantity);
      if (!known) throw unfit(uri, `a GPS receiver gives ${GPS_QUANTITIES.join(", ")}`);
      return await gps.read(known, signal);
    },
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  };
}

/** The part of a URI that names the device: scheme, bus and address. GPIO lines are devices of their own. */
function deviceOf(uri: string): string {
  const [, scheme = "", rest = ""] = /^([a-z0-9]+):\/\/(.*)$/.exec(uri) ?? [];
  const parts = rest.split("/");
  return `${scheme}://${parts.slice(0, scheme === "i2c" || scheme === "gpio" ? 2 : 1).join("/")}`;
}

/** Opens sensors by URI. Channels of one device share it; each channel has its own checks and history. */
export class SensorRegistry implements AsyncDisposable {
  readonly #context: SensorContext;
  readonly #devices = new Map<string, Promise<SharedDevice>>();
  readonly #tails = new Map<string, Promise<unknown>>();

  constructor(context: SensorContext) {
    this.#context = context;
  }

  /**
   * A driver for `i2c://1/0x76/temperature`, `spi://0.0/ch0`, `serial://ttyAMA0/latitude` or `gpio://gpiochip0/23`.
   * Nothing is opened before the first reading; a failed opening is tried again at the next one.
   */
  openSensor(uri: string, config: ChannelConfig): SensorDriver {
    const key = deviceOf(uri);
    const history = new Plausibility(uri);
    const measure: Measure = async (channel, signal) => {
      const device = await this.#device(key, uri, channel);
      const quantity = channel.quantity ?? uri.slice(uri.lastIndexOf("/") + 1);
      return await this.#oneAtATime(key, () => device.measure(quantity, channel, signal));
    };
    return {
      read: async (channel, signal): Promise<Reading> => {
        const effective = { ...config, ...channel };
        const measured = await measure(effective, signal);
        return history.check(effective, measured, this.#context.clock.monoMs());
      },
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  /** Releases all devices; every one is tried, failures are thrown together. */
  async [Symbol.asyncDispose](): Promise<void> {
    const devices = [...this.#devices.values()];
    this.#devices.clear();
    const results = await Promise.allSettled(
      devices.map(async (device) => (await device)[Symbol.asyncDispose]()),
    );
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, "sensors could not be released");
  }

  async #device(key: string, uri: string, channel: ChannelConfig): Promise<SharedDevice> {
    const opened = this.#devices.get(key);
    if (opened !== undefined) return await opened;
    const opening = openDevice(uri, channel, this.#context);
    this.#devices.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      this.#devices.delete(key);
      throw error;
    }
  }

  #oneAtATime<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#tails.get(key) ?? Promise.resolve()).then(work);
    this.#tails.set(
      key,
      result.catch(() => undefined),
    );
    return result;
  }
}
